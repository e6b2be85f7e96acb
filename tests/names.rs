//! Names of widgets that are learned: from the repository's own files and pictures, and from
//! a server.

use crate::support::Repo;

fn node(class: &str, members: &str) -> String {
    format!(r#"{{"nodes":[{{"id":1,"type":"{class}",{members}}}],"links":[],"version":0.4}}"#)
}

/// A repository in which an older file names what a newer one does not.
fn repo() -> Repo {
    let repo = Repo::new();
    repo.comfy(["init", "-q"]);
    let named = r#""widgets_values":["a",1,"fixed",0.5],
        "widgets_values_named":{"mode":"a","seed":1,"control_after_generate":"fixed","weight":0.5}"#;
    repo.write("named.json", node("MyNode", named));
    repo.write("w.json", node("MyNode", r#""widgets_values":["b",2,"fixed",0.25]"#));
    repo.write("other.json", node("MyNode", r#""widgets_values":["b",2]"#));
    repo.commit_all("first");
    repo.git(["rm", "-q", "named.json"]);
    repo.commit_all("second");
    repo.write("w.json", node("MyNode", r#""widgets_values":["b",2,"fixed",0.75]"#));
    repo.write("other.json", node("MyNode", r#""widgets_values":["c",2]"#));
    repo
}

#[test]
fn an_older_file_names_the_values_of_a_newer_one() {
    let repo = repo();
    let told = repo.comfy(["catalog", "learn"]);
    assert_eq!(told, "names of widgets of 1 node class are known from here\n");
    let diff = repo.git(["diff"]);
    assert!(diff.contains("    weight  0.25 -> 0.75\n"), "{diff}");
    // Another number of values is another node to us.
    assert!(diff.contains("    value 1  b -> c\n"), "{diff}");
    let json = repo.comfy(["diff", "--format", "json"]);
    assert!(json.contains(r#""source": "repository""#), "{json}");
    assert!(json.contains(r#""source": "position""#), "{json}");
}

#[test]
fn learning_makes_texts_that_git_keeps_stale() {
    let repo = repo();
    repo.commit_all("third");
    let log = || repo.git(["log", "-p", "-1", "--format=", "--", "w.json"]);
    assert!(log().contains("+    value 4: 0.75"), "{}", log());
    let key = "diff.comfy.textconv";
    let before = repo.git(["config", key]);
    repo.comfy(["catalog", "learn"]);
    let after = repo.git(["config", key]);
    assert!(after.trim().starts_with(&format!("{}.", before.trim())), "{before}{after}");
    assert!(log().contains("+    weight: 0.75"), "{}", log());
    assert!(!repo.comfy(["doctor"]).contains("another set-up"));
    repo.comfy(["init", "-q"]);
    assert_eq!(repo.git(["config", key]), after);
    // Nothing new is nothing to drop.
    repo.comfy(["catalog", "learn"]);
    assert_eq!(repo.git(["config", key]), after);
}

#[test]
fn two_files_that_contradict_each_other_name_nothing() {
    let repo = repo();
    let named = r#""widgets_values":["a",1,"fixed",0.5],
        "widgets_values_named":{"mode":"a","seed":1,"control_after_generate":"fixed","strength":0.5}"#;
    repo.write("third.json", node("MyNode", named));
    repo.git(["add", "third.json"]);
    repo.git(["commit", "-q", "-m", "third"]);
    repo.comfy(["catalog", "learn"]);
    let diff = repo.git(["diff", "--", "w.json"]);
    assert!(diff.contains("    value 4  0.25 -> 0.75\n"), "{diff}");
}
