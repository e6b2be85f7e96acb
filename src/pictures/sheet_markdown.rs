//! A provenance sheet as Markdown. Text of a stranger cannot become markup in it. Pure.

use std::fmt::Write;

use super::provenance_sheet::{ProvenanceSheet, SheetTable};
use crate::differences::text::markdown::{code_span, escape};

/// The sheet as Markdown. Its pictures are named.
pub fn render_sheet_markdown(sheet: &ProvenanceSheet) -> String {
    let mut out = format!("# {}\n\n", escape(&sheet.title));
    for (name, value) in &sheet.facts {
        let _ = writeln!(out, "- {}: {}", escape(name), escape(value));
    }
    for picture in &sheet.pictures {
        let there = if picture.png.is_some() { "" } else { " (not here)" };
        let _ = writeln!(out, "- picture: {}{there}", code_span(&picture.caption));
    }
    for (name, text) in &sheet.texts {
        let _ = write!(out, "\n## {}\n\n", escape(name));
        for line in text.lines() {
            let _ = writeln!(out, "> {}", escape(line));
        }
    }
    for table in &sheet.tables {
        push_table(&mut out, table);
    }
    if !sheet.remarks.is_empty() {
        out.push_str("\n## Not known\n\n");
        for remark in &sheet.remarks {
            let _ = writeln!(out, "- {}", escape(remark));
        }
    }
    out
}

fn push_table(out: &mut String, table: &SheetTable) {
    let _ = write!(out, "\n## {}\n\n| {} |\n|", table.heading, table.columns.join(" | "));
    out.push_str(&"---|".repeat(table.columns.len()));
    out.push('\n');
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}
