//! What drawing costs: the display list, the page, and, where there is a Chromium, opening the
//! page. `cargo bench --bench drawing`

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/support/browser.rs"]
#[allow(dead_code)]
mod browser;
mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use browser::Browser;
use support::{scratch_folder, timed};

/// A chain of samplers with prompts, `count` nodes in rows.
fn workflow(count: usize, steps: usize) -> String {
    let node = |at: usize| {
        let (x, y) = (at % 40 * 360, at / 40 * 340);
        let link = if at == 0 { "null".to_owned() } else { at.to_string() };
        let out = if at + 1 == count { String::new() } else { (at + 1).to_string() };
        let steps = if at % 10 == 3 { steps } else { 20 };
        format!(
            r#"{{"id":{},"type":"KSampler","pos":[{x},{y}],"size":[270,262],"flags":{{}},
            "order":{at},"mode":0,
            "inputs":[{{"name":"model","type":"MODEL","link":null}},
            {{"name":"positive","type":"CONDITIONING","link":null}},
            {{"name":"negative","type":"CONDITIONING","link":null}},
            {{"name":"latent_image","type":"LATENT","link":{link}}}],
            "outputs":[{{"name":"LATENT","type":"LATENT","links":[{out}]}}],"properties":{{}},
            "widgets_values":[{at},"fixed",{steps},7.5,"euler","normal",1]}}"#,
            at + 1
        )
    };
    let nodes: Vec<String> = (0..count).map(node).collect();
    let links: Vec<String> =
        (1..count).map(|at| format!(r#"[{at},{at},0,{},3,"LATENT"]"#, at + 1)).collect();
    format!(
        r#"{{"last_node_id":{count},"last_link_id":{count},"nodes":[{}],"links":[{}],"groups":[],
        "config":{{}},"extra":{{}},"version":0.4}}"#,
        nodes.join(","),
        links.join(",")
    )
}

fn comfy(at: &Path, arguments: &[&str]) -> Duration {
    timed(
        Command::new(env!("CARGO_BIN_EXE_git-comfy"))
            .args(arguments)
            .current_dir(at)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )
}

fn main() {
    let folder = scratch_folder();
    let at = folder.path();
    for count in [500, 1000, 10_000] {
        std::fs::write(at.join("a.json"), workflow(count, 20)).unwrap();
        std::fs::write(at.join("b.json"), workflow(count, 30)).unwrap();
        let view = comfy(at, &["view", "a.json", "-o", "view.html", "--force"]);
        let diff = comfy(at, &["diff", "a.json", "b.json", "-o", "diff.html", "--force"]);
        let size = |name: &str| std::fs::metadata(at.join(name)).unwrap().len() / 1024;
        println!(
            "{count:>6} nodes: view {:>7.1} ms, {:>6} KiB; diff {:>7.1} ms, {:>6} KiB",
            view.as_secs_f64() * 1e3,
            size("view.html"),
            diff.as_secs_f64() * 1e3,
            size("diff.html"),
        );
        if let Some(told) = in_browser(&at.join("view.html")) {
            println!("        in Chromium, without a graphics card: {told}");
        }
    }
}

/// How long the page takes until it can be used, and a frame while it is dragged.
fn in_browser(page: &Path) -> Option<String> {
    let mut browser = Browser::start()?;
    browser.open(page);
    browser.wait_for("document.documentElement.dataset.ready");
    let told = browser.ask(
        "(async () => { const ready = performance.now(); \
         const stage = document.querySelector('.stage'); stage.setPointerCapture = () => {}; \
         const frame = () => new Promise((done) => requestAnimationFrame(done)); \
         const send = (kind, x, y) => stage.dispatchEvent(new PointerEvent(kind, \
           {pointerId: 1, clientX: x, clientY: y, button: 0, buttons: 1, bubbles: true})); \
         await frame(); send('pointerdown', 600, 400); const times = []; \
         for (let at = 0; at < 60; at += 1) { const start = performance.now(); \
           send('pointermove', 600 + at * 4, 400 + at); await frame(); \
           times.push(performance.now() - start) } \
         send('pointerup', 900, 500); times.sort((a, b) => a - b); \
         return `ready after ${Math.round(ready)} ms; dragged while all is seen, a frame each \
         ${times[30].toFixed(1)} ms, the slowest ${times[59].toFixed(1)} ms` })()",
    );
    told.as_str().map(str::to_owned)
}
