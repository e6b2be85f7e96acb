//! The picture in the README: what a terminal shows of a real `git diff`.
//!
//! `cargo test --test main -- --ignored draws_the_picture` writes `docs/diff.svg` anew.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Repo, World};

const COLUMNS: usize = 84;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn fixture(name: &str) -> String {
    fs::read_to_string(project("fixtures/demo").join(name)).unwrap()
}

/// What the terminal gets.
fn recorded() -> String {
    let repo: Repo = World::new().repo("workflows");
    repo.comfy(["init", "-q"]);
    repo.write("portrait.json", fixture("portrait.json"));
    repo.write("second-pass.json", fixture("second-pass.json"));
    repo.commit_all("first");
    repo.write("portrait.json", fixture("portrait-edited.json"));
    let second = fixture("second-pass.json");
    let edited = second
        .replace("[1.5,0.35]", "[1.5,0.25]")
        .replace("\"denoise\":0.35}},{\"id\":6", "\"denoise\":0.25}},{\"id\":6")
        .replace("[42,\"randomize\",20,", "[42,\"randomize\",30,")
        .replace("\"steps\":20", "\"steps\":30");
    assert_ne!(edited, second);
    repo.write("second-pass.json", edited);
    let mut command = repo.command("git");
    command.env_remove("NO_COLOR").env("COLUMNS", COLUMNS.to_string());
    let output = command.args(["-c", "color.ui=always", "diff"]).output().unwrap();
    assert!(output.status.success());
    format!("\u{1b}[1m$ git diff\u{1b}[0m\n{}", String::from_utf8(output.stdout).unwrap())
}

/// How a piece of text looks.
#[derive(Clone, Copy, Default, PartialEq)]
struct Ink {
    colour: Option<&'static str>,
    bold: bool,
    dim: bool,
    struck: bool,
}

impl Ink {
    fn obey(&mut self, code: &str) {
        match code {
            "" | "0" => *self = Ink::default(),
            "1" => self.bold = true,
            "2" => self.dim = true,
            "9" => self.struck = true,
            "31" => self.colour = Some("#ff7b72"),
            "32" => self.colour = Some("#7ee787"),
            "33" => self.colour = Some("#e3b341"),
            "36" => self.colour = Some("#79c0ff"),
            other => panic!("a sequence that the picture does not know: {other}"),
        }
    }

    fn style(self) -> String {
        let mut style = format!("fill:{}", self.colour.unwrap_or("#e6edf3"));
        for (is, text) in [
            (self.bold, ";font-weight:bold"),
            (self.dim, ";opacity:.6"),
            (self.struck, ";text-decoration:line-through"),
        ] {
            style.push_str(if is { text } else { "" });
        }
        style
    }
}

/// Draws what a terminal would show.
fn draw(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let (width, height) = (COLUMNS * 8 + 40, lines.len() * 19 + 40);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n<title>git diff of two ComfyUI workflows</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,monospace\" font-size=\"13\" \
         xml:space=\"preserve\">\n"
    );
    let mut ink = Ink::default();
    for (at, line) in lines.iter().enumerate() {
        let _ = write!(svg, "<text x=\"20\" y=\"{}\">", at * 19 + 34);
        for (n, piece) in line.split("\u{1b}[").enumerate() {
            let mut text = piece;
            if n > 0 {
                let (codes, rest) = piece.split_once('m').unwrap();
                codes.split(';').for_each(|code| ink.obey(code));
                text = rest;
            }
            if !text.is_empty() {
                let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                let _ = write!(svg, "<tspan style=\"{}\">{text}</tspan>", ink.style());
            }
        }
        svg.push_str("</text>\n");
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

#[test]
#[ignore = "a tool: writes docs/diff.svg"]
fn draws_the_picture_of_the_readme() {
    fs::write(project("docs/diff.svg"), draw(&recorded())).unwrap();
}

#[test]
fn the_picture_of_the_readme_is_what_git_shows() {
    let drawn = fs::read_to_string(project("docs/diff.svg")).unwrap();
    assert!(
        drawn == draw(&recorded()),
        "docs/diff.svg is out of date: cargo test --test main -- --ignored draws_the_picture"
    );
    assert!(fs::read_to_string(project("README.md")).unwrap().contains("docs/diff.svg"));
}
