//! What `git diff`, `git log -p`, `git status` and a commit say of changes that are easily
//! overlooked or told as something else.

use std::fmt::Write;

use crate::support::Repo;

/// A workflow of nodes, each the members of its object behind the id.
fn workflow(nodes: &[&str]) -> String {
    let mut text = String::from("{\"nodes\":[");
    for (at, node) in nodes.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(text, "{comma}{{\"id\":{},{node}}}", at + 1).unwrap();
    }
    text + "],\"links\":[],\"version\":0.4}"
}

const SAMPLER: &str = r#""type":"KSampler","widgets_values":[1,"fixed",20,8,"euler","normal",1]"#;

/// A repository with a committed file, which is then written anew.
fn changed(before: &str, after: &str) -> Repo {
    let repo = Repo::new();
    repo.comfy(["init", "-q"]);
    repo.write("a.json", before);
    repo.commit_all("first");
    repo.write("a.json", after);
    repo
}

/// What `git diff` says below its head, and the changed lines of `git show`.
fn told(before: &str, after: &str) -> (String, String) {
    let repo = changed(before, after);
    let diff = repo.git(["diff"]);
    repo.commit_all("second");
    let shown = repo.git(["show", "--format="]);
    let changed = |line: &&str| {
        line.starts_with(['-', '+']) && !line.starts_with("---") && !line.starts_with("+++")
    };
    let shown: Vec<&str> = shown.lines().filter(changed).collect();
    (diff.lines().skip(1).fold(String::new(), |all, line| all + line + "\n"), shown.join("\n"))
}

#[test]
fn a_node_that_came_bypassed_or_muted_says_so() {
    let bypassed = format!("{SAMPLER},\"mode\":4,\"color\":\"#232\"");
    let muted = format!("{SAMPLER},\"mode\":2");
    let (diff, shown) = told(&workflow(&[SAMPLER]), &workflow(&[SAMPLER, &bypassed, &muted]));
    assert!(diff.contains("+ KSampler #2  bypassed\n"), "{diff}");
    assert!(diff.contains("color #232"), "{diff}");
    assert!(diff.contains("+ KSampler #3  muted\n"), "{diff}");
    assert!(shown.contains("+KSampler #2, bypassed"), "{shown}");
}

#[test]
fn an_emptied_or_broken_workflow_is_told_loudly_everywhere() {
    let graph = workflow(&[SAMPLER, SAMPLER]);
    for (now, sentence) in [
        ("", "the file is empty now; 2 nodes were there"),
        (&graph[..40], "the file is broken now ("),
        ("[1]", "the file is no workflow now; 2 nodes were there"),
    ] {
        let repo = changed(&graph, now);
        let diff = repo.git(["diff"]);
        assert!(diff.contains(&format!("\n! {sentence}")), "{diff}");
        assert_eq!(diff.lines().count(), 2, "{diff}");
        assert!(repo.comfy(["diff"]).contains(&format!("! {sentence}")));
        assert!(repo.comfy(["status"]).contains(&format!("(! {sentence}")));
        repo.git(["add", "."]);
        let told = repo.try_git(["commit", "-q", "-m", "oops"]);
        assert!(told.status.success());
        let warned = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(warned.contains(&format!("git-comfy: a.json: {sentence}")), "{warned}");
    }
    let repo = changed(&graph, &graph);
    std::fs::remove_file(repo.path.join("a.json")).unwrap();
    assert!(!repo.git(["diff"]).contains('!'), "a deleted file is not lost");
}

#[test]
fn values_that_begin_alike_are_cut_where_they_differ() {
    let long = "a/very/long/path/that/is/the/same/in/both/of/them/and/does/not/say/anything/";
    let loader = |name: &str| {
        workflow(&[&format!(r#""type":"Mine","widgets_values":["{long}{long}{name}"]"#)])
    };
    let node = |name: &str| {
        workflow(&[&format!(
            r#""type":"Mine","properties":{{"dir":"{long}{long}{name}"}},"widgets_values":[1]"#
        )])
    };
    for (before, after) in [(loader("one"), loader("two")), (node("one"), node("two"))] {
        let repo = changed(&before, &after);
        for told in [
            repo.git(["diff"]),
            repo.comfy(["diff", "--format", "markdown"]),
            repo.comfy(["diff", "--stat"]),
        ] {
            assert!(told.contains("one") && told.contains("two"), "{told}");
        }
    }
}

#[test]
fn a_graph_in_other_json_is_called_by_its_member() {
    let wrapped = |steps: u32| {
        format!(
            r#"{{"name":"x","prompt":{{"1":{{"class_type":"KSampler","inputs":{{"steps":{steps}}}}}}}}}"#
        )
    };
    let (diff, _) = told(&wrapped(1), &wrapped(2));
    assert!(diff.contains("in prompt\n") && !diff.contains("subgraph"), "{diff}");
}

#[test]
fn pack_ids_that_came_to_every_node_are_one_line() {
    let with = |more: &str| format!("{SAMPLER},\"properties\":{{{more}}}");
    let (bare, known) = (with(""), with(r#""cnr_id":"comfy-core""#));
    let (diff, _) = told(&workflow(&[&*bare; 18]), &workflow(&[&*known; 18]));
    assert_eq!(diff, "~ cnr_id comfy-core: 18 nodes\n");
    let prompt = |meta: &str| {
        let node = |id: u32| format!(r#""{id}":{{"class_type":"A","inputs":{{}}{meta}}}"#);
        format!("{{{}}}", (1..8).map(node).collect::<Vec<_>>().join(","))
    };
    let (diff, _) = told(&prompt(""), &prompt(r#","_meta":{"title":"A"}"#));
    assert_eq!(diff, "~ _meta (title) is there now: 7 nodes\n");
}

#[test]
fn git_show_is_never_empty_where_git_diff_says_something() {
    let bent = |reroutes: &str, parent: &str| {
        format!(
            r#"{{"nodes":[{{"id":1,"type":"A","outputs":[{{"name":"x","type":"X","links":[1]}}]}},
            {{"id":2,"type":"B","inputs":[{{"name":"y","type":"X","link":1}}]}}],"links":[[1,1,0,2,0,"X"]],
            "extra":{{"reroutes":[{reroutes}],"linkExtensions":[{parent}]}},"version":0.4}}"#
        )
    };
    let straight = bent("", "");
    let bend = bent(r#"{"id":1,"pos":[5,5],"linkIds":[1]}"#, r#"{"id":1,"parentId":1}"#);
    let (diff, shown) = told(&straight, &bend);
    assert!(diff.contains("+ reroute 1 (on the wire to B #2 y)"), "{diff}");
    assert_eq!(shown, "+reroute 1 on the wire to B #2 y");

    let prompt = |rest: &str| format!(r#"{{{rest}"1":{{"class_type":"A","inputs":{{"x":1}}}}}}"#);
    let (diff, shown) = told(&prompt(""), &prompt(r#""_comment":"mine","#));
    assert!(diff.contains("_comment  mine"), "{diff}");
    assert!(shown.contains("+    _comment: mine"), "{shown}");
}

#[test]
fn two_exchanged_prompts_are_two_changed_texts() {
    let graph = |one: &str, other: &str| {
        let node = |id: u32, title: &str, text: &str| {
            format!(
                r#"{{"id":{id},"type":"CLIPTextEncode","title":"{title}","inputs":[{{"name":"clip","type":"CLIP","link":null}}],
                "outputs":[{{"name":"CONDITIONING","type":"CONDITIONING","links":[{id}]}}],"widgets_values":["{text}"]}}"#
            )
        };
        format!(
            r#"{{"nodes":[{},{},{{"id":3,"type":"KSampler","inputs":[{{"name":"positive","type":"CONDITIONING","link":1}},
            {{"name":"negative","type":"CONDITIONING","link":2}}],"widgets_values":[1,"fixed",20,8,"euler","normal",1]}}],
            "links":[[1,1,0,3,0,"CONDITIONING"],[2,2,0,3,1,"CONDITIONING"]],"version":0.4}}"#,
            node(1, "Positive", one),
            node(2, "Negative", other)
        )
    };
    for (one, other) in [
        ("a red fox in the snow", "blurry, bad hands"),
        ("cat", "dog"),
        ("a, b, c", ""),
        ("the same words in another order", "in another order the same words"),
    ] {
        let (diff, _) = told(&graph(one, other), &graph(other, one));
        assert!(!diff.contains("<-") && !diff.contains("renumbered"), "{diff}");
        assert_eq!(diff.matches("    text").count(), 2, "{diff}");
    }
}

#[test]
fn a_file_in_clean_form_keeps_its_spelling_through_a_checkout() {
    let repo = Repo::new();
    repo.comfy(["init", "-q"]);
    repo.write("other.json", workflow(&[SAMPLER]));
    repo.commit_all("first");
    let clean = String::from_utf8(repo.blob("HEAD:other.json")).unwrap().replace("euler", "heun");
    assert!(clean.ends_with('\n'));
    repo.write("b.json", &clean);
    repo.commit_all("second");
    std::fs::remove_file(repo.path.join("b.json")).unwrap();
    repo.git(["checkout", "--", "b.json"]);
    assert!(repo.text("b.json").ends_with('\n'), "{:?}", repo.text("b.json"));
    assert_eq!(repo.git(["status", "--porcelain"]), "");
}
