//! What git shows of workflows line by line: `git log -p`, `git show`, `git blame`.

use std::fs;

use crate::support::Repo;

/// A loader and a bypassed sampler; cfg and place of the sampler can be chosen.
fn workflow(cfg: &str, x: i64) -> String {
    format!(
        r#"{{"id":"a","revision":0,"last_node_id":2,"last_link_id":1,"nodes":[
        {{"id":1,"type":"CheckpointLoaderSimple","pos":[{x},0],"size":[270,98],"flags":{{}},
        "order":0,"mode":0,"inputs":[],"outputs":[{{"name":"MODEL","type":"MODEL","links":[1]}}],
        "properties":{{"Node name for S&R":"CheckpointLoaderSimple"}},
        "widgets_values":["base.safetensors"]}},
        {{"id":2,"type":"KSampler","title":"Main","pos":[400,0],"size":[270,262],"flags":{{}},
        "order":1,"mode":4,"inputs":[{{"name":"model","type":"MODEL","link":1}}],"outputs":[],
        "properties":{{}},
        "widgets_values":[5,"fixed",20,{cfg},"euler","normal",1]}}],
        "links":[[1,1,0,2,0,"MODEL"]],"groups":[],"config":{{}},"extra":{{}},"version":0.4}}"#
    )
}

fn repo() -> Repo {
    let repo = Repo::new();
    repo.comfy(["init"]);
    repo.write("a.json", workflow("7", 0));
    repo.commit_all("first");
    repo.write("a.json", workflow("7.5", 90));
    repo.commit_all("second");
    repo
}

#[test]
fn show_and_blame_speak_of_nodes_and_widgets() {
    let repo = repo();
    let shown = repo.git(["show", "--format=", "HEAD", "--", "a.json"]);
    let hunk = &shown[shown.find("@@").unwrap()..];
    insta::assert_snapshot!(hunk, @r"
    @@ -5,7 +5,7 @@ Main #2 (KSampler), bypassed
         seed: 5
         control_after_generate: fixed
         steps: 20
    -    cfg: 7
    +    cfg: 7.5
         sampler_name: euler
         scheduler: normal
         denoise: 1
    ");
    // From the texts that git has kept.
    assert_eq!(repo.git(["show", "--format=", "HEAD", "--", "a.json"]), shown);
    let blamed = repo.git(["blame", "-s", "--abbrev=4", "a.json"]);
    let line = blamed.lines().find(|line| line.contains("cfg")).unwrap();
    let head = repo.git(["rev-parse", "HEAD"]);
    assert!(line.starts_with(&head[..4]) && line.ends_with("cfg: 7.5"), "{line}");
}

#[test]
fn a_stranger_cannot_write_to_the_terminal() {
    let repo = repo();
    let evil = workflow("7", 0).replace("Main", "\\u001b]0;x\\u0007\\u202e");
    repo.write("a.json", evil);
    let shown = repo.git(["log", "-p", "--all"]) + &repo.git(["diff"]);
    assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
}

#[test]
fn other_json_is_shown_as_it_is() {
    let repo = repo();
    repo.write("other.json", "{\"a\": 1}\n");
    repo.commit_all("third");
    let shown = repo.git(["show", "--format=", "HEAD", "--", "other.json"]);
    assert!(shown.ends_with("@@ -0,0 +1 @@\n+{\"a\": 1}\n"), "{shown}");
}

#[test]
fn a_server_teaches_the_names_of_other_nodes() {
    let repo = repo();
    let other = workflow("7", 0).replace("KSampler", "PackSampler");
    repo.write("b.json", other.replace("\"fixed\",", ""));
    repo.commit_all("pack");
    let before = repo.git(["show", "--format=", "HEAD", "--", "b.json"]);
    assert!(before.contains("value 1: 5") && before.contains("value 2: 20"), "{before}");
    let info = r#"{"PackSampler":{"input":{"required":{"model":["MODEL"],"noise":["INT",{}],
        "rounds":["INT",{}],"strength":["FLOAT",{}],"way":["STRING",{}],"plan":["STRING",{}],
        "share":["FLOAT",{}]}},"output":[]}}"#;
    let file = repo.path.join("info.txt");
    fs::write(&file, info).unwrap();
    repo.comfy(["catalog", "update", "--file", "info.txt"]);
    let after = repo.git(["show", "--format=", "HEAD", "--", "b.json"]);
    assert!(after.contains("noise: 5") && after.contains("rounds: 20"), "{after}");
    let refused = repo.comfy_with(["catalog", "update", "--file", "a.json"], b"");
    assert!(!refused.status.success(), "a workflow holds no node classes");
}
