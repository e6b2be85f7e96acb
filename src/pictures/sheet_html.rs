//! A provenance sheet as a page made to be printed: no script, nothing loaded. Pure.

use data_encoding::BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::provenance_sheet::{ProvenanceSheet, SheetTable};
use super::scripts::content_policy;
use crate::platform::text::sanitize;

const STYLE: &str = include_str!("page/sheet.css");

pub fn render_sheet_html(sheet: &ProvenanceSheet) -> String {
    let title = sanitize::line(&sheet.title);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(content_policy(None, STYLE));
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " \u{2013} how it was made" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 dir="auto" { (title) }
                    dl {
                        @for (name, value) in &sheet.facts {
                            dt { (sanitize::line(name)) }
                            dd dir="auto" { (sanitize::line(value)) }
                        }
                    }
                    @if !sheet.pictures.is_empty() { (pictures_markup(sheet)) }
                    @for (name, text) in &sheet.texts {
                        section {
                            h2 { (sanitize::line(name)) }
                            p class="text" dir="auto" { (sanitize::block(text)) }
                        }
                    }
                    @for table in &sheet.tables { (table_markup(table)) }
                    @if !sheet.remarks.is_empty() {
                        section {
                            h2 { "Not known" }
                            ul { @for remark in &sheet.remarks { li { (sanitize::line(remark)) } } }
                        }
                    }
                    footer {
                        "Written by git-comfy from what was recorded. "
                        "What nobody recorded is not here."
                    }
                }
            }
        }
    };
    page.into_string()
}

fn pictures_markup(sheet: &ProvenanceSheet) -> Markup {
    html! {
        div class="pictures" {
            @for picture in &sheet.pictures {
                figure {
                    @match &picture.png {
                        Some(png) => {
                            img alt=(sanitize::line(&picture.caption))
                                src={ "data:image/png;base64," (BASE64.encode(png)) };
                        }
                        None => { div class="missing" { "not here" } }
                    }
                    figcaption dir="auto" { (sanitize::line(&picture.caption)) }
                }
            }
        }
    }
}

fn table_markup(table: &SheetTable) -> Markup {
    let has_heads = table.columns.iter().any(|column| !column.is_empty());
    html! {
        section {
            h2 { (table.heading) }
            div class="wide" tabindex="0" role="group" aria-label=(table.heading) {
                table {
                    @if has_heads {
                        thead {
                            tr { @for column in table.columns { th scope="col" { (column) } } }
                        }
                    }
                    tbody {
                        @for row in &table.rows {
                            tr {
                                @for (at, cell) in row.iter().enumerate() {
                                    @if at == 0 {
                                        th scope="row" dir="auto" { (sanitize::block(cell)) }
                                    } @else {
                                        td dir="auto" { (sanitize::block(cell)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
