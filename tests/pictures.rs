//! Pictures: what is drawn, where it goes, and that nothing of a stranger's runs in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::browser::{Browser, or_skip};
use crate::support::{GIT_COMFY, Repo, workflow};

fn demo(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo").join(name);
    std::fs::read_to_string(file).unwrap()
}

/// A repository whose one workflow was edited since it was committed.
fn edited() -> Repo {
    let repo = Repo::new();
    repo.use_filter();
    repo.write("portrait.json", demo("portrait.json"));
    repo.commit_all("A portrait");
    repo.write("portrait.json", demo("portrait-edited.json"));
    repo
}

fn drawn(repo: &Repo, arguments: &[&str], file: &str) -> (PathBuf, String) {
    repo.comfy(arguments.iter().copied().chain(["-o", file]));
    let path = std::fs::canonicalize(repo.path.join(file)).unwrap();
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    (path, text)
}

/// A workflow in which every text that a stranger can write tries to become more.
fn hostile_workflow() -> String {
    let attack = "</script></style><script>window.pwned = 1</script>\
                  <img src=x onerror='window.pwned = 2'><svg onload=window.pwned=3>\
                  \u{202e}\u{1b}[2J]]>--><!--";
    let markdown = format!(
        "# {attack}\n[click](javascript:window.pwned=4) ![x](http://attacker.example/x.png)\n\n\
         {attack}\n<iframe srcdoc='{attack}'></iframe>"
    );
    let value = json!({
        "version": 0.4, "last_node_id": 9, "last_link_id": 1, "config": {}, "extra": {},
        "nodes": [
            {"id": 1, "type": "MarkdownNote", "pos": [0, 0], "size": [300, 200],
             "flags": {}, "order": 0,
             "mode": 0, "title": attack, "inputs": [], "outputs": [], "properties": {},
             "widgets_values": [markdown], "color": "url(javascript:1)", "bgcolor": attack},
            {"id": "x\"><script>window.pwned=5</script>", "type": attack,
             "pos": [400, 0], "size": [300, 200],
             "flags": {}, "order": 1, "mode": 0,
             "inputs": [{"name": attack, "type": attack, "link": null}],
             "outputs": [{"name": attack, "type": attack, "links": []}], "properties": {},
             "widgets_values": {"__proto__": attack, "constructor": attack}},
            {"id": 3, "type": "sub", "pos": [800, 0], "size": [200, 100], "flags": {}, "order": 2,
             "mode": 0, "inputs": [], "outputs": [], "properties": {}},
        ],
        "links": [],
        "groups": [{"id": 1, "title": attack, "bounding": [-50, -80, 900, 400], "color": attack}],
        "definitions": {"subgraphs": [{"id": "sub", "version": 1, "name": attack,
            "nodes": [], "links": [],
            "groups": [], "inputs": [], "outputs": [], "state": {}, "config": {}, "extra": {},
            "inputNode": {"id": -10, "bounding": [0, 0, 100, 60]},
            "outputNode": {"id": -20, "bounding": [300, 0, 100, 60]}}]},
    });
    value.to_string()
}

#[test]
fn a_workflow_is_drawn_as_a_page_an_svg_and_a_png() {
    let repo = Repo::new();
    repo.write("portrait.json", demo("portrait.json"));
    let (_, page) = drawn(&repo, &["view", "portrait.json"], "p.html");
    assert!(page.starts_with("<!DOCTYPE html>"), "{}", &page[..100]);
    assert!(page.contains("default-src 'none'"));
    let (_, svg) = drawn(&repo, &["view", "portrait.json"], "p.svg");
    assert!(svg.starts_with("<svg") && svg.contains("KSampler"));
    repo.comfy(["view", "portrait.json", "-o", "p.png"]);
    assert!(repo.read("p.png").starts_with(b"\x89PNG"));
    // To a pipe; without a name the workflow that was saved last.
    assert_eq!(repo.comfy(["view", "--svg"]), svg);
    // What is there stays, unless it is to be written over.
    let again = repo.comfy_with(["view", "portrait.json", "-o", "p.svg"], b"");
    assert_eq!(again.status.code(), Some(2));
    repo.comfy(["view", "portrait.json", "-o", "p.svg", "--force"]);
}

#[test]
fn a_version_out_of_git_lies_as_it_lay() {
    let repo = Repo::new();
    repo.use_filter();
    repo.use_hooks();
    repo.write("a.json", workflow(20, 300));
    repo.commit_all("one");
    let lay = repo.comfy(["view", "a.json", "--svg"]);
    repo.write("a.json", workflow(21, 900));
    repo.commit_all("two");
    let title = |svg: &str| svg.lines().skip(1).collect::<Vec<_>>().join("\n");
    assert_eq!(title(&repo.comfy(["view", "HEAD~1:a.json", "--svg"])), title(&lay));
}

#[test]
fn a_picture_shows_the_workflow_inside_it() {
    let repo = Repo::new();
    let image = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo/keeper_00001_.png");
    std::fs::copy(image, repo.path.join("keeper.png")).unwrap();
    let svg = repo.comfy(["view", "keeper.png", "--svg"]);
    assert!(svg.contains("<text") && svg.contains("KSampler"));
}

#[test]
fn a_prompt_is_drawn_too() {
    let repo = Repo::new();
    repo.write(
        "api.json",
        r#"{"4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a.safetensors"}},
            "3":{"class_type":"KSampler","inputs":{"cfg":7,"model":["4",0]}}}"#,
    );
    let svg = repo.comfy(["view", "api.json", "--svg"]);
    assert!(svg.contains("a.safetensors") && svg.contains("KSampler"), "{svg}");
}

#[test]
fn a_page_of_changes_says_what_the_terminal_says() {
    let repo = edited();
    let told = repo.comfy(["diff", "--no-color", "--no-pager", "--word-diff=none"]);
    let (_, page) = drawn(&repo, &["diff"], "d.html");
    let text = visible_text(&page);
    for line in told.lines().skip(1) {
        let first = line.trim_start_matches(['+', '-', '~', ' ']);
        let words: Vec<&str> = first.split_whitespace().take(2).collect();
        for word in words {
            assert!(text.contains(word.trim_matches(['+', '-'])), "{word:?} of {line:?}");
        }
    }
    assert!(text.contains("7 -> 5.5"), "{text}");
}

#[test]
fn a_range_is_one_page_and_a_picture_shows_all_of_it() {
    let repo = Repo::new();
    repo.use_filter();
    for name in ["a.json", "b.json"] {
        repo.write(name, workflow(20, 0));
    }
    repo.write("readme.md", "one");
    repo.commit_all("one");
    for name in ["a.json", "b.json"] {
        repo.write(name, workflow(30, 40));
    }
    repo.write("readme.md", "two");
    repo.commit_all("two");
    let (_, page) = drawn(&repo, &["diff", "HEAD~1..HEAD"], "d.html");
    let text = visible_text(&page);
    assert!(text.contains("2 workflows") && text.contains("readme.md"), "{text}");
    assert_eq!(page.matches("class=\"drawing\"").count(), 2);
    let svg = repo.comfy(["diff", "HEAD~1..HEAD", "--svg"]);
    assert!(svg.contains(">a.json<") && svg.contains(">b.json<") && svg.contains("2 changed"));
}

#[test]
fn where_nothing_differs_there_is_nothing_to_draw() {
    let repo = edited();
    repo.git(["checkout", "-q", "portrait.json"]);
    let answer = repo.comfy_with(["diff", "--svg"], b"");
    assert_eq!(answer.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&answer.stderr).contains("no difference"));
}

#[test]
fn the_browser_is_the_one_that_git_is_told() {
    let repo = Repo::new();
    repo.write("a.json", workflow(20, 0));
    repo.git(["config", "web.browser", "ours"]);
    repo.git(["config", "browser.ours.cmd", "printf '%s' >opened"]);
    repo.comfy(["view", "a.json", "--open"]);
    let opened = repo.text("opened");
    let file = PathBuf::from(opened.strip_prefix("file://").unwrap_or(&opened));
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("<!DOCTYPE html>"));
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_report_tells_what_is_recorded_and_what_is_not() {
    let repo = edited();
    repo.commit_all("Softer");
    let page = repo.comfy(["report"]);
    assert!(page.contains("Softer") && page.contains("nothing is recorded of this commit"));
    assert!(page.contains("script-src 'none'") && !page.contains("<script"));
    let text = repo.comfy(["report", "--markdown"]);
    assert!(text.starts_with("# Softer\n"), "{text}");
    let refused = repo.comfy_with(["report", "--svg"], b"");
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn the_app_is_told_in_words() {
    let repo = Repo::new();
    repo.use_filter();
    let plain = workflow(20, 0);
    repo.write("a.json", &plain);
    repo.commit_all("one");
    let mut value: Value = serde_json::from_str(&plain).unwrap();
    let node = value["nodes"][0]["id"].clone();
    value["extra"] =
        json!({"linearMode": true, "linearData": {"inputs": [[node, "steps"]], "outputs": []}});
    repo.write("a.json", value.to_string());
    let told = repo.comfy(["diff", "--no-color", "--no-pager"]);
    assert!(told.contains("input steps of ") && told.contains(" was added to the app"), "{told}");
    assert!(told.contains("the workflow opens as an app"), "{told}");
}

#[test]
fn the_scripts_of_the_page_hold() {
    let node = Command::new("node").arg("--version").output().ok();
    if or_skip(node, "node (Debian: apt-get install nodejs)").is_none() {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures");
    let tests: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    assert!(!tests.is_empty());
    let told = Command::new("node").arg("--test").args(tests).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
}

/// What a page says without its scripts and styles, white space as one blank.
fn visible_text(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some(open) = rest.find('<') {
        text.push_str(&rest[..open]);
        rest = &rest[open..];
        let is_raw = ["<script", "<style"].iter().any(|tag| rest.starts_with(tag));
        let end = if is_raw { rest.find("</").unwrap() + 2 } else { 0 };
        let close = rest[end..].find('>').unwrap() + end;
        rest = &rest[close + 1..];
    }
    let text = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    let text = text.replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The commands that drew the pictures of the README.
const README_PICTURES: [&str; 2] = [
    "view fixtures/demo/portrait.json -o docs/view.svg --force",
    "diff fixtures/demo/portrait.json fixtures/demo/portrait-edited.json \
     -o docs/changes.svg --force",
];

#[test]
fn the_pictures_of_the_readme_are_there_and_their_commands_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(root.join("docs/pictures.md")).unwrap();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    for command in README_PICTURES {
        assert!(guide.contains(&format!("git comfy {command}")), "{command}");
        let file = command.split(' ').find(|word| word.starts_with("docs/")).unwrap();
        assert!(readme.contains(file), "{file}");
        assert!(std::fs::read_to_string(root.join(file)).unwrap().starts_with("<svg"), "{file}");
    }
}

#[test]
#[ignore = "draws the pictures of the README again, for when the drawing changed"]
fn draws_the_pictures_of_the_readme() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let repo = Repo::new();
    for command in README_PICTURES {
        let mut drawing = repo.command(GIT_COMFY);
        let status = drawing.current_dir(root).args(command.split(' ')).status().unwrap();
        assert!(status.success(), "{command}");
    }
}

// In a real browser

fn ready(browser: &mut Browser, page: &Path) {
    browser.open(page);
    browser.wait_for("document.documentElement.dataset.ready");
    browser.settle();
}

/// A picture as rows of pixels.
struct Pixels {
    width: u32,
    rgb: Vec<[u8; 3]>,
}

impl Pixels {
    fn decode(shot: &[u8]) -> Pixels {
        let decoder = png::Decoder::new(std::io::Cursor::new(shot));
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        let samples = info.color_type.samples();
        let rgb = bytes.chunks_exact(samples).map(|pixel| [pixel[0], pixel[1], pixel[2]]);
        Pixels { width: info.width, rgb: rgb.collect() }
    }

    /// How many of a thousand pixels look different. Browsers smooth edges in their own ways:
    /// a pixel may look like any one beside it.
    fn count_differing(&self, other: &Pixels) -> usize {
        assert_eq!((self.width, self.rgb.len()), (other.width, other.rgb.len()));
        let is_near = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= 48);
        let width = i64::from(self.width);
        let around = [-width - 1, -width, -width + 1, -1, 0, 1, width - 1, width, width + 1];
        let is_found = |at: usize| {
            around.iter().any(|step| {
                let beside = usize::try_from(at as i64 + step).ok();
                let beside = beside.and_then(|beside| other.rgb.get(beside));
                beside.is_some_and(|pixel| is_near(self.rgb[at], *pixel))
            })
        };
        let differing = (0..self.rgb.len()).filter(|&at| !is_found(at)).count();
        (differing * 1000).div_ceil(self.rgb.len())
    }
}

/// The color of the window at some point.
fn has_color(browser: &mut Browser, x: u32, y: u32) -> [u8; 3] {
    let pixels = Pixels::decode(&browser.screenshot());
    pixels.rgb[(y * pixels.width + x) as usize]
}

#[test]
fn pages_look_as_they_looked() {
    let Some(mut browser) = Browser::start() else { return };
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures/kept");
    let repo = edited();
    let (view, _) = drawn(&repo, &["view", "portrait.json"], "view.html");
    let (diff, _) = drawn(&repo, &["diff", "--theme", "dark"], "diff.html");
    for (page, name, keys) in [
        (&view, "view-light", &[][..]),
        (&view, "view-dark", &["t"]),
        (&diff, "diff-both", &[]),
        (&diff, "diff-changed-only", &["c", "n"]),
        (&diff, "diff-sides", &["4"]),
    ] {
        ready(&mut browser, page);
        keys.iter().for_each(|key| browser.press(key));
        let shot = browser.screenshot();
        let file = kept.join(format!("{name}.png"));
        if std::env::var_os("GIT_COMFY_KEEP_SHOTS").is_some() {
            std::fs::write(&file, &shot).unwrap();
        }
        let looked = std::fs::read(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (now, then) = (Pixels::decode(&shot), Pixels::decode(&looked));
        let differing = now.count_differing(&then).max(then.count_differing(&now));
        if differing > 5 {
            let seen = std::env::temp_dir().join(format!("{name}.png"));
            std::fs::write(&seen, &shot).unwrap();
            panic!("{differing} of 1000 pixels differ between {} and {seen:?}", file.display());
        }
    }
}

#[test]
fn a_page_is_moved_searched_and_read_by_mouse_and_keys() {
    let Some(mut browser) = Browser::start() else { return };
    let repo = Repo::new();
    repo.write("portrait.json", demo("portrait.json"));
    let (page, _) = drawn(&repo, &["view", "portrait.json", "--theme", "dark"], "p.html");
    ready(&mut browser, &page);
    assert_eq!(has_color(&mut browser, 5, 700), [0x18, 0x18, 0x18], "the ground of the canvas");
    browser.press("/");
    assert_eq!(browser.ask("document.activeElement.id"), json!("search"));
    browser.write("ksampler");
    assert_eq!(browser.ask("document.querySelector('#found').textContent"), json!("1 found"));
    browser.press("Enter");
    let details = browser.ask("document.querySelector('#details').innerText");
    assert!(details.as_str().unwrap().contains("KSampler"), "{details}");
    assert!(details.as_str().unwrap().contains("cfg"), "{details}");
    // The node stands in the middle now: a click there takes it again.
    browser.press("Escape");
    assert_eq!(browser.ask("document.querySelector('#details').hidden"), json!(true));
    let middle = browser.ask(
        "(() => { const b = document.querySelector('.stage').getBoundingClientRect(); \
         return [b.x + b.width / 2, b.y + b.height / 2] })()",
    );
    browser.click_at(middle[0].as_f64().unwrap(), middle[1].as_f64().unwrap(), 1);
    let details = browser.ask("document.querySelector('#details h3').textContent");
    assert!(details.as_str().unwrap().starts_with("KSampler"), "{details}");
    browser.press("t");
    assert_eq!(browser.ask("document.documentElement.dataset.theme"), json!("light"));
    browser.press("f");
    assert_eq!(has_color(&mut browser, 5, 700), [0xd9, 0xd9, 0xd9]);
    browser.ask("window.dispatchEvent(new Event('beforeprint'))");
    browser.settle();
    assert_eq!(has_color(&mut browser, 5, 700), [0xff, 0xff, 0xff], "paper is white");
    browser.ask("window.dispatchEvent(new Event('afterprint'))");
    browser.settle();
    assert_eq!(has_color(&mut browser, 5, 700), [0xd9, 0xd9, 0xd9]);
    browser.press("?");
    assert_eq!(browser.ask("document.querySelector('#help').open"), json!(true));
    browser.press("Escape");
    assert_eq!(browser.complaints(), [""; 0]);
    assert_eq!(browser.requests(), [""; 0]);
}

#[test]
fn what_was_moved_looks_as_if_painted_anew() {
    let Some(mut browser) = Browser::start() else { return };
    let repo = edited();
    let (page, _) = drawn(&repo, &["diff"], "d.html");
    ready(&mut browser, &page);
    for arrangement in ["1", "4"] {
        browser.press(arrangement);
        browser.ask("document.querySelector('.stage').focus()");
        for key in ["+", "+", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowDown"] {
            browser.press(key);
        }
        let moved = Pixels::decode(&browser.screenshot());
        browser.press("t");
        browser.press("t");
        let anew = Pixels::decode(&browser.screenshot());
        // Letters may be smoothed otherwise.
        assert_eq!(moved.count_differing(&anew), 0);
    }
}

#[test]
fn changes_are_walked_and_seen_from_both_sides() {
    let Some(mut browser) = Browser::start() else { return };
    let repo = edited();
    let (page, _) = drawn(&repo, &["diff", "--theme", "dark"], "d.html");
    ready(&mut browser, &page);
    let count = browser.ask("document.querySelectorAll('.file:not([hidden]) .go').length");
    assert!(count.as_u64().unwrap() >= 2, "{count}");
    browser.press("n");
    let current = "document.querySelector('.go[aria-current]').innerText";
    let first = browser.ask(current);
    browser.press("n");
    assert_ne!(browser.ask(current), first);
    browser.press("p");
    assert_eq!(browser.ask(current), first);
    assert_eq!(browser.ask("document.querySelector('#details').hidden"), json!(false));
    for (key, name) in [
        ("2", "before"),
        ("3", "after"),
        ("4", "sides"),
        ("5", "stacked"),
        ("6", "swipe"),
        ("1", "both"),
    ] {
        browser.press(key);
        assert_eq!(
            browser.ask("document.querySelector('#stages').dataset.arrangement"),
            json!(name)
        );
        let shown =
            browser.ask("[...document.querySelectorAll('.stage')].filter((s) => !s.hidden).length");
        assert_eq!(shown, json!(if matches!(name, "sides" | "stacked") { 2 } else { 1 }), "{name}");
    }
    browser.press("c");
    assert_eq!(
        browser.ask("document.querySelector('[data-toggle=greyed]').getAttribute('aria-pressed')"),
        json!("true")
    );
    browser.click(".file:not([hidden]) li:last-child .go");
    let text = browser.ask(current);
    assert!(!text.as_str().unwrap().is_empty());
    assert_eq!(browser.complaints(), [""; 0]);
    assert_eq!(browser.requests(), [""; 0]);
}

#[test]
fn a_hostile_workflow_runs_nothing() {
    let repo = Repo::new();
    repo.use_filter();
    repo.write("a.json", hostile_workflow());
    repo.commit_all("<script>window.pwned = 9</script>");
    let (page, _) = drawn(&repo, &["view", "a.json"], "view.html");
    let (sheet, _) = drawn(&repo, &["report"], "report.html");
    let (svg, text) = drawn(&repo, &["view", "a.json"], "view.svg");
    assert!(!text.contains("<script") && !text.contains("onerror='"), "{text}");
    repo.write("a.json", hostile_workflow().replace("\"mode\":0", "\"mode\":4"));
    let (diff, _) = drawn(&repo, &["diff", "HEAD:a.json", "a.json"], "diff.html");
    let Some(mut browser) = Browser::start() else { return };
    for file in [&page, &diff, &sheet, &svg] {
        browser.open(file);
        browser.settle();
        if file.ends_with("view.html") || file.ends_with("diff.html") {
            browser.wait_for("document.documentElement.dataset.ready");
            browser.ask("document.querySelectorAll('.go').forEach((button) => button.click())");
            browser.settle();
        }
        let name = file.display();
        assert_eq!(browser.ask("typeof window.pwned"), json!("undefined"), "{name}");
        assert_eq!(browser.complaints(), [""; 0], "{name}");
        assert_eq!(browser.requests(), [""; 0], "{name}");
    }
}

#[test]
fn no_serious_accessibility_fault_is_found() {
    let axe = std::env::var_os("GIT_COMFY_AXE").map(PathBuf::from);
    let Some(axe) = or_skip(axe, "axe-core (GIT_COMFY_AXE names axe.min.js)") else { return };
    let axe = std::fs::read_to_string(axe).unwrap();
    let Some(mut browser) = Browser::start() else { return };
    let repo = edited();
    let pages = [
        drawn(&repo, &["view", "portrait.json"], "view.html").0,
        drawn(&repo, &["diff"], "diff.html").0,
        drawn(&repo, &["report"], "report.html").0,
    ];
    for page in pages {
        for theme in ["dark", "light"] {
            browser.open(&page);
            browser.settle();
            browser.ask(&format!("void (document.documentElement.dataset.theme = '{theme}')"));
            browser.ask("document.querySelector('.go')?.click()");
            browser.settle();
            browser.ask(&format!("{axe}; 1"));
            let found = browser.ask(
                "axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations \
                 .filter((v) => ['serious', 'critical'].includes(v.impact)) \
                 .map((v) => v.id + ': ' + \
                 v.nodes.map((n) => n.html.slice(0, 160)).slice(0, 3).join(' | ')))",
            );
            assert_eq!(found, json!([]), "{} {theme}", page.display());
        }
    }
}
