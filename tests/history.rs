//! `git comfy log` and `git comfy blame`: history in the words of workflows.

use std::fs;

use crate::support::{GIT_COMFY, Repo, shared_data};

/// A loader, a prompt and a sampler, with what the tests change.
fn workflow(cfg: &str, text: &str, x: i64) -> String {
    format!(
        r#"{{"id":"a","revision":0,"last_node_id":3,"last_link_id":1,"nodes":[
        {{"id":1,"type":"CheckpointLoaderSimple","pos":[{x},0],"size":[270,98],"flags":{{}},
        "order":0,"mode":0,"inputs":[],"outputs":[{{"name":"MODEL","type":"MODEL","links":[1]}}],
        "properties":{{}},"widgets_values":["base.safetensors"]}},
        {{"id":2,"type":"KSampler","pos":[400,0],"size":[270,262],"flags":{{}},
        "order":2,"mode":0,"inputs":[{{"name":"model","type":"MODEL","link":1}}],"outputs":[],
        "properties":{{}},"widgets_values":[5,"fixed",20,{cfg},"euler","normal",1]}},
        {{"id":3,"type":"CLIPTextEncode","title":"Positive","pos":[0,400],"size":[270,98],
        "flags":{{}},"order":1,"mode":0,"inputs":[],"outputs":[],"properties":{{}},
        "widgets_values":["{text}"]}}],
        "links":[[1,1,0,2,0,"MODEL"]],"groups":[],"config":{{}},"extra":{{}},"version":0.4}}"#
    )
}

/// Commits a state of `a.json` on a day; gives the short id.
fn commit(repo: &Repo, file: &str, content: &str, day: u32) -> String {
    repo.write(file, content);
    repo.git(["add", "-A"]);
    let date = format!("2026-01-{day:02}T12:00:00+0000");
    let mut command = repo.command("git");
    command.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
    let done = command.args(["commit", "-q", "-m", "x"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    repo.id("HEAD")[..7].to_owned()
}

fn repo() -> (Repo, Vec<String>) {
    let repo = Repo::new();
    repo.comfy(["init", "-q"]);
    repo.git(["add", "."]);
    let mut ids = vec![commit(&repo, "a.json", &workflow("7", "a fox", 0), 1)];
    ids.push(commit(&repo, "a.json", &workflow("7.5", "a fox", 90), 2));
    repo.git(["mv", "a.json", "b.json"]);
    ids.push(commit(&repo, "b.json", &workflow("7.5", "a red fox", 90), 3));
    (repo, ids)
}

#[test]
fn the_log_is_a_line_for_each_change_through_renames() {
    let (repo, ids) = repo();
    commit(&repo, "notes.txt", "nothing of ours\n", 4);
    let [first, second, third] = &ids[..] else { unreachable!() };
    let wanted = format!(
        "{third} 2026-01-03  a.json => b.json: Positive text edited\n\
         {second} 2026-01-02  KSampler cfg 7 -> 7.5\n\
         {first} 2026-01-01  new workflow: 3 nodes\n"
    );
    assert_eq!(repo.comfy(["log", "b.json"]), wanted);
    let all = repo.comfy(["log"]);
    assert!(all.contains(&format!("{second} 2026-01-02  a.json: KSampler cfg 7 -> 7.5\n")));
    assert_eq!(repo.comfy(["log", "-n", "1", "HEAD~2"]).lines().count(), 1);
    assert_eq!(repo.comfy(["log", "HEAD~2..HEAD"]).lines().count(), 1);
    assert_eq!(repo.comfy(["log", "--since", "2026-01-02T23:00"]).lines().count(), 1);
    assert_eq!(repo.comfy(["log", "--reverse"]).lines().last(), all.lines().next());
    // A file that is gone is still told of.
    assert_eq!(repo.comfy(["log", "a.json"]).lines().count(), 3);
    let json = repo.comfy(["log", "--json", "b.json"]);
    let line: serde_json::Value = serde_json::from_str(json.lines().nth(1).unwrap()).unwrap();
    assert_eq!(line["told"], "KSampler cfg 7 -> 7.5");
    assert_eq!(line["after"], "a.json");
}

#[test]
fn a_log_without_commits_or_of_nonsense_ends_well() {
    let repo = Repo::new();
    assert_eq!(repo.comfy(["log"]), "");
    let output = repo.command(GIT_COMFY).args(["log", "no..thing"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "there is nothing to look through");
    repo.write("a.json", workflow("7", "a", 0));
    repo.commit_all("first");
    let output = repo.command(GIT_COMFY).args(["log", "no..thing"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no..thing"));
}

#[test]
fn blame_names_the_commit_of_every_value() {
    let (repo, ids) = repo();
    let who = |value: &str| {
        let told = repo.comfy(["blame", "b.json", value]);
        told.lines().nth(1).unwrap().trim().to_owned()
    };
    assert!(who("KSampler.cfg").starts_with(&ids[1]), "{}", who("KSampler.cfg"));
    assert!(who("#2.steps").starts_with(&ids[0]));
    assert!(who("positive.text").starts_with(&ids[2]));
    assert!(who("positive.title").starts_with(&ids[0]));
    assert!(who("ksampler.model").ends_with("model  <- CheckpointLoaderSimple #1 MODEL"));
    repo.write("b.json", workflow("9", "a red fox", 90));
    assert!(who("KSampler.cfg").starts_with("not committed yet"));
    assert!(who("positive.text").starts_with(&ids[2]));
    let then = repo.comfy(["blame", "HEAD~2:a.json", "KSampler.cfg"]);
    assert!(then.lines().nth(1).unwrap().trim().starts_with(&ids[0]), "{then}");
    let json = repo.comfy(["blame", "--json", "b.json", "3.text"]);
    let line: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(line["commit"].as_str().unwrap().starts_with(&ids[2]));
    assert_eq!(line["shown"], "a red fox");
    for (wanted, hint) in [("Nobody", "KSampler"), ("KSampler.nothing", "scheduler")] {
        let output = repo.command(GIT_COMFY).args(["blame", "b.json", wanted]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(hint), "{told}");
    }
}

#[test]
fn blame_goes_through_a_merge_to_the_side_that_made_the_change() {
    let (repo, ids) = repo();
    repo.git(["checkout", "-q", "-b", "side"]);
    let side = commit(&repo, "b.json", &workflow("8", "a red fox", 90), 4);
    repo.git(["checkout", "-q", "main"]);
    let main = commit(&repo, "b.json", &workflow("7.5", "a blue fox", 90), 5);
    repo.git(["merge", "-q", "--no-commit", "--strategy=ours", "side"]);
    commit(&repo, "b.json", &workflow("8", "a blue fox", 90), 6);
    let told = repo.comfy(["blame", "b.json"]);
    let id_of = |value: &str| {
        let line = told.lines().find(|line| line.contains(&format!("  {value} "))).unwrap();
        line.trim()[..7].to_owned()
    };
    assert_eq!(id_of("cfg"), side);
    assert_eq!(id_of("text"), main);
    assert_eq!(id_of("steps"), ids[0]);
}

/// A person's day of work: values keep their commits through packing and unpacking.
#[test]
fn values_keep_their_commits_through_all_that_happens_to_their_nodes() {
    let Some(data) = shared_data() else { return };
    let repo = Repo::new();
    repo.comfy(["init", "-q"]);
    repo.git(["add", "."]);
    let mut ids = vec![String::new()];
    for (at, day) in (1..=16).zip(1..) {
        let state = fs::read_to_string(data.join(format!("edits/v{at:02}.json"))).unwrap();
        repo.write("w.json", &state);
        let changed = !repo.git(["status", "--porcelain"]).is_empty();
        ids.push(if changed { commit(&repo, "w.json", &state, day) } else { String::new() });
    }
    let told = repo.comfy(["blame", "w.json"]);
    let id_of =
        |line: &str| told.lines().find(|l| l.contains(line)).unwrap().trim()[..7].to_owned();
    assert_eq!(id_of(" cfg "), ids[2]);
    assert_eq!(id_of("title  Main prompt"), ids[6]);
    assert_eq!(id_of(" seed "), ids[9]);
    assert_eq!(id_of(" strength_model "), ids[4]);
    assert_eq!(id_of(" ckpt_name "), ids[1]);
}
