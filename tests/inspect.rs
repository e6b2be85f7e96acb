//! `git comfy inspect` as a person calls it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::GIT_COMFY;

const GRAPH: &str = r#"{"id": "0f0c", "nodes": [{"id": 1, "type": "KSampler", "widgets_values": [7]}, {"id": 2, "type": "Load", "widgets_values": ["sd15.safetensors"]}], "links": [], "extra": {"frontendVersion": "1.49.6"}, "version": 0.4}"#;

const PROMPT: &str = r#"{"1": {"class_type": "KSampler", "inputs": {"seed": 7, "steps": 20, "cfg": 6.5, "sampler_name": "euler", "scheduler": "normal", "denoise": NaN, "positive": ["2", 0], "latent_image": ["9", 0]}}, "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "neon fox"}}, "3": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux.safetensors"}}}"#;

/// A PNG of no pixels with texts.
fn png(texts: &[(&str, &str)]) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8; 4], body: &[u8]| {
        png.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        png.extend([name, body, &[0; 4]].concat());
    };
    chunk(b"IHDR", b"\0\0\x02\0\0\0\x01\0\x08\x02\0\0\0");
    for (keyword, text) in texts {
        chunk(b"iTXt", &[keyword.as_bytes(), b"\0\0\0\0\0", text.as_bytes()].concat());
    }
    chunk(b"IEND", b"");
    png
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(TempDir::new().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.0.path().join(name), bytes).unwrap();
        PathBuf::from(name)
    }

    fn inspect(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(GIT_COMFY);
        command.arg("inspect").args(arguments).current_dir(self.0.path());
        command.env_clear().env("HOME", self.0.path()).output().unwrap()
    }

    fn told(&self, arguments: &[&str]) -> String {
        let output = self.inspect(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.inspect(arguments);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    }
}

fn read(path: impl AsRef<Path>) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_picture_is_told_in_a_few_lines() {
    let folder = Folder::new();
    folder.file(
        "fox.png",
        &png(&[("prompt", PROMPT), ("workflow", GRAPH), ("CreationTime", "2026-11-22")]),
    );
    insta::assert_snapshot!(folder.told(&["fox.png"]), @r"
    fox.png  PNG, 512x256
      workflow   0f0c, 2 nodes, frontend 1.49.6
      prompt     3 nodes
      model      flux.safetensors (UNETLoader #3)
      sampler    KSampler #1: euler, normal, 20 steps, cfg 6.5, denoise NaN, seed 7
      positive   neon fox
      also       CreationTime 2026-11-22
    ");
}

#[test]
fn less_than_everything_is_told_as_such() {
    let folder = Folder::new();
    folder.file("graph.png", &png(&[("workflow", GRAPH)]));
    let a1111 = "a fox\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, Seed: 7, Size: 8x8";
    folder.file("a1111.png", &png(&[("parameters", a1111)]));
    folder.file("bare.png", &png(&[]));
    let mut cut = png(&[("prompt", PROMPT)]);
    cut.truncate(cut.len() - 12);
    folder.file("cut.png", &cut);
    insta::assert_snapshot!(folder.told(&["graph.png", "a1111.png", "bare.png", "cut.png"]), @"
    graph.png  PNG, 512x256
      workflow   0f0c, 2 nodes, frontend 1.49.6
      model      sd15.safetensors (Load #2)
    a1111.png  PNG, 512x256
      parameters Steps: 20, Sampler: Euler a, Seed: 7, Size: 8x8
      positive   a fox
      negative   blurry
    bare.png  PNG, 512x256
      nothing    no metadata is embedded in this file
    cut.png  PNG, 512x256
      prompt     3 nodes
      model      flux.safetensors (UNETLoader #3)
      sampler    KSampler #1: euler, normal, 20 steps, cfg 6.5, denoise NaN, seed 7
      positive   neon fox
      damage     the file ends inside the PNG
    ");
}

#[test]
fn no_escape_sequence_of_a_file_reaches_the_terminal() {
    let evil = "\u{1b}[2J\u{1b}]0;x\u{7}\u{202e}\u{9b}\r";
    let escaped = serde_json::to_string(evil).unwrap();
    let prompt = format!(
        r#"{{{escaped}: {{"class_type": {escaped}, "inputs": {{"seed": 1, "steps": {escaped},
            "cfg": 1, {escaped}: "{}.safetensors", "text": {escaped}}}}}}}"#,
        &escaped[1..escaped.len() - 1],
    );
    let graph = format!(
        r#"{{"id": {escaped}, "nodes": [{{"id": {escaped}, "type": {escaped}}}], "links": [],
            "extra": {{"frontendVersion": {escaped}}}, "version": 0.4}}"#
    );
    let folder = Folder::new();
    let texts = [("prompt", prompt.as_str()), ("workflow", &graph), (evil, evil)];
    let a1111 = format!("{evil}\nSteps: {evil}, Seed: {evil}, Size: {evil}");
    folder.file("evil.png", &png(&texts));
    folder.file("a1111.png", &png(&[("parameters", &a1111)]));
    let clean = |text: &[u8]| {
        let text = String::from_utf8(text.to_vec()).unwrap();
        let bad = text.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
        assert_eq!(bad, None, "{text:?}");
    };
    clean(&folder.inspect(&["evil.png", "a1111.png"]).stdout);
    clean(&folder.inspect(&["evil.png", "--json"]).stdout);
    clean(&folder.inspect(&["evil.png", "--raw", "absent"]).stderr);
    clean(&folder.inspect(&["\u{1b}[2J.png"]).stderr);
}

#[test]
fn json_is_one_object_a_line() {
    let folder = Folder::new();
    folder.file("fox.png", &png(&[("prompt", PROMPT), ("workflow", GRAPH)]));
    folder.file("bare.png", &png(&[]));
    let told = folder.told(&["--json", "fox.png", "bare.png"]);
    let lines: Vec<serde_json::Value> =
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [fox, bare] = &lines[..] else { panic!("{told}") };
    assert_eq!(fox["schema"], 1);
    assert_eq!(fox["container"], "PNG");
    assert_eq!((&fox["width"], &fox["height"]), (&512.into(), &256.into()));
    assert_eq!(fox["workflow"]["id"], "0f0c");
    assert_eq!(fox["prompt"]["1"]["inputs"]["denoise"], serde_json::Value::Null);
    assert_eq!(fox["summary"]["samplers"][0]["seed"], 7);
    assert_eq!(fox["entries"][0]["keyword"], "prompt");
    assert_eq!(bare["workflow"], serde_json::Value::Null);
}

#[test]
fn texts_come_out_as_they_are_and_documents_ready_to_load() {
    let folder = Folder::new();
    folder.file("fox.png", &png(&[("PROMPT", PROMPT), ("workflow", GRAPH)]));
    assert_eq!(folder.told(&["fox.png", "--raw", "prompt"]), PROMPT);
    let workflow = folder.told(&["fox.png", "--workflow"]);
    assert!(workflow.starts_with("{\n  \"id\": \"0f0c\",\n"), "{workflow}");
    assert_eq!(folder.told(&["fox.png", "--prompt", "-o", "prompt.json"]), "");
    let prompt = read(folder.0.path().join("prompt.json"));
    assert_eq!(prompt["1"]["inputs"]["denoise"], serde_json::Value::Null);
    assert_eq!(folder.told(&["prompt.json", "--prompt"]), folder.told(&["fox.png", "--prompt"]));
}

#[test]
fn nothing_is_written_over_unless_told_to() {
    let folder = Folder::new();
    folder.file("fox.png", &png(&[("workflow", GRAPH)]));
    let mine = folder.0.path().join(folder.file("mine.json", b"mine"));
    let refusal = folder.refused(&["fox.png", "--workflow", "-o", "mine.json"]);
    insta::assert_snapshot!(refusal, @"
    git-comfy: mine.json: this file is there already
      hint: --force writes over it
    ");
    assert_eq!(fs::read(&mine).unwrap(), b"mine");
    folder.told(&["fox.png", "--workflow", "-o", "mine.json", "--force"]);
    assert_eq!(read(&mine)["id"], "0f0c");
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 2, "no file is left behind");
}

#[test]
fn what_is_missing_is_said_with_what_is_there() {
    let folder = Folder::new();
    folder.file("prompt.png", &png(&[("prompt", PROMPT)]));
    folder.file("note.txt", b"a fox");
    insta::assert_snapshot!(folder.refused(&["prompt.png", "--workflow"]), @"
    git-comfy: prompt.png: no workflow is embedded
      hint: the executed prompt is there: --prompt writes it
    ");
    insta::assert_snapshot!(folder.refused(&["prompt.png", "--raw", "seed"]), @r#"
    git-comfy: prompt.png: no text named "seed" is embedded
      hint: there are: prompt
    "#);
    insta::assert_snapshot!(folder.refused(&["note.txt"]), @"git-comfy: note.txt: no kind of file that carries a workflow (its first bytes are unknown)");
    insta::assert_snapshot!(folder.refused(&["."]), @"git-comfy: .: this is not a file");
    let output = folder.inspect(&["note.txt", "prompt.png"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("prompt.png"), "others go on");
}
