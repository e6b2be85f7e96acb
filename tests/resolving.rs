//! Settling what a merge left: `git comfy resolve`, and everything that notices conflicts
//! until then.

use std::process::Output;

use comfy_graph::json::{JsonStyle, print};

use crate::graph_support::canvas::{Canvas, json};
use crate::merging::{apart, conflicts, quarrel_repo, saved, text_of, widget, workflow};
use crate::support::Repo;

/// A repository in the middle of a merge with three conflicts: cfg and the sampler of node
/// 3, the model's wire into it.
fn three_conflicts() -> Repo {
    let mut base = Canvas::txt2img();
    base.add(10, "LoraLoader").add(11, "LoraLoader");
    let (mut ours, mut theirs) = (base.clone(), base.clone());
    ours.set(3, "cfg", "9").set(3, "sampler_name", r#""dpmpp_2m""#).wire(10, 0, 3, "model");
    theirs.set(3, "cfg", "5.5").set(3, "sampler_name", r#""uni_pc""#).wire(11, 0, 3, "model");
    let repo = apart("a.json", &saved(&base), &saved(&ours), &saved(&theirs));
    assert_eq!(repo.try_git(["merge", "-q", "theirs"]).status.code(), Some(1));
    repo
}

fn resolve(repo: &Repo, arguments: &[&str]) -> (i32, String, String) {
    let output = repo.comfy_with(["resolve"].iter().chain(arguments), b"");
    told(output)
}

fn told(output: Output) -> (i32, String, String) {
    let (out, err) = text_of(&output);
    (output.status.code().unwrap(), out, err)
}

fn fed_by(repo: &Repo, id: i64, input: &str) -> String {
    let merged = workflow(&repo.read("a.json"));
    let wires = comfy_graph::graph::Wires::from_graph(&merged.root);
    let wire = wires.wire_into(
        &comfy_graph::graph::NodeId::from(id),
        &comfy_graph::graph::SlotName::new(input),
    );
    format!("{:?}", wire.unwrap().from)
}

#[test]
fn conflicts_are_listed() {
    let repo = three_conflicts();
    let (code, out, _) = resolve(&repo, &["a.json"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(out, @r"
    a.json: 3 conflicts
      1  KSampler #3: cfg was changed on both sides
         ours (HEAD)      9   <- in the file now
         theirs (theirs)  5.5
         base             8
      2  KSampler #3: sampler_name was changed on both sides
         ours (HEAD)      dpmpp_2m   <- in the file now
         theirs (theirs)  uni_pc
         base             euler
      3  KSampler #3: the wire into model was wired differently on both sides
         ours (HEAD)      LoraLoader #10 output MODEL   <- in the file now
         theirs (theirs)  LoraLoader #11 output MODEL
         base             CheckpointLoaderSimple #4 output MODEL
    ");
    let (code, all, _) = resolve(&repo, &["--list"]);
    assert_eq!((code, all), (1, out));
}

#[test]
fn conflicts_are_listed_for_programs() {
    let repo = quarrel_repo();
    repo.try_git(["merge", "-q", "theirs"]);
    let (code, out, _) = resolve(&repo, &["a.json", "--json"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(out, @r#"
    {
      "schema": 1,
      "files": [
        {
          "path": "a.json",
          "conflicts": [
            {
              "id": 1,
              "kind": "both-changed",
              "what": "KSampler #3: cfg",
              "subgraph": null,
              "node": "3",
              "state": "kept",
              "kept": "ours",
              "base": 8,
              "ours": 9,
              "theirs": 5.5,
              "now": 9
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn a_side_settles_everything_and_stages_the_file() {
    for (side, cfg, sampler, model) in [
        ("--ours", "9", r#""dpmpp_2m""#, "10"),
        ("--theirs", "5.5", r#""uni_pc""#, "11"),
        ("--base", "8", r#""euler""#, "4"),
    ] {
        let repo = three_conflicts();
        let (code, out, _) = resolve(&repo, &["a.json", side]);
        assert_eq!(
            (code, out.as_str()),
            (0, "a.json: all conflicts are settled, and it is staged; go on with `git commit`\n")
        );
        let file = repo.read("a.json");
        assert_eq!(
            (widget(&file, 3, "cfg"), widget(&file, 3, "sampler_name")),
            (cfg.into(), sampler.into())
        );
        if model == "4" {
            assert!(fed_by(&repo, 3, "model").contains('4'));
        } else {
            assert!(fed_by(&repo, 3, "model").contains(model));
        }
        let text = String::from_utf8_lossy(&file).into_owned();
        assert!(!text.contains("git_comfy") && !text.contains("MarkdownNote"), "a trace is left");
        assert_eq!(repo.git(["ls-files", "--unmerged"]), "");
        repo.git(["commit", "-q", "--no-edit"]);
        assert_eq!(repo.git(["status", "--porcelain"]), "");
    }
}

#[test]
fn conflicts_are_settled_one_by_one() {
    let repo = three_conflicts();
    let (code, out, _) = resolve(&repo, &["a.json", "--theirs", "--at", "cfg"]);
    assert_eq!((code, out.as_str()), (1, "a.json: 1 settled, 2 conflicts left\n"));
    assert_eq!(widget(&repo.read("a.json"), 3, "cfg"), "5.5");
    let (_, out, _) = resolve(&repo, &["a.json", "--base", "--node", "3", "--at", "model"]);
    assert_eq!(out, "a.json: 1 settled, 1 conflict left\n");
    let (code, _, err) = resolve(&repo, &["a.json", "--ours", "--node", "4"]);
    assert_eq!(code, 2);
    assert!(err.contains("none that you name"), "{err}");
    let found = conflicts(&repo.read("a.json"));
    assert_eq!(found, ["KSampler #3: sampler_name"]);
    let (code, _, _) = resolve(&repo, &["a.json", "--set", "heun"]);
    assert_eq!(code, 0);
    assert_eq!(widget(&repo.read("a.json"), 3, "sampler_name"), r#""heun""#);
}

#[test]
fn a_value_of_ones_own_must_be_one() {
    let repo = three_conflicts();
    let (code, _, err) = resolve(&repo, &["a.json", "--set", "6.5"]);
    assert_eq!(code, 2);
    assert!(err.contains("3 are meant"), "{err}");
    let (code, _, err) = resolve(&repo, &["a.json", "--set", "much", "--at", "cfg"]);
    assert_eq!(code, 2);
    assert!(err.contains("no JSON value"), "{err}");
    let (code, _, err) = resolve(&repo, &["a.json", "--set", "6.5", "--at", "model"]);
    assert_eq!(code, 2);
    assert!(err.contains("takes no value"), "{err}");
    assert_eq!(resolve(&repo, &["a.json", "--set", "-6.5", "--at", "cfg"]).0, 1);
    assert_eq!(widget(&repo.read("a.json"), 3, "cfg"), "-6.5");
}

#[test]
fn a_person_is_asked_one_after_the_other() {
    let repo = three_conflicts();
    let output = repo.comfy_with(["resolve", "-i", "a.json"], b"what\n=6.5\ns\n1\n");
    let (code, out, err) = told(output);
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("`what` is none of the answers"), "{err}");
    assert!(out.contains("(1 of 3)") && out.contains("1 conflict left"), "{out}");
    assert_eq!(conflicts(&repo.read("a.json")).len(), 1);
    let output = repo.comfy_with(["resolve", "-i"], b"theirs\n");
    assert_eq!(told(output).0, 0);
    assert_eq!(repo.git(["ls-files", "--unmerged"]), "");
}

/// A person opens the file in ComfyUI, types another value and saves.
#[test]
fn what_was_edited_since_is_accepted() {
    let repo = quarrel_repo();
    repo.try_git(["merge", "-q", "theirs"]);
    let before = repo.text("a.json");
    let after = before.replacen("\"euler\",\"normal\"", "\"euler\",\"karras\"", 1);
    let after = after.replacen(",30,9,", ",30,7.25,", 1);
    assert_ne!(before, after);
    repo.write("a.json", &after);
    let (_, out, _) = resolve(&repo, &["a.json"]);
    assert!(out.contains("as edited since  7.25   <- in the file now"), "{out}");
    assert_eq!(resolve(&repo, &["--accept"]).0, 0);
    let file = repo.read("a.json");
    assert_eq!(widget(&file, 3, "cfg"), "7.25");
    assert_eq!(conflicts(&file), [""; 0]);
}

#[test]
fn a_commit_of_unsettled_conflicts_is_refused_with_a_way_out() {
    let repo = quarrel_repo();
    repo.try_git(["merge", "-q", "theirs"]);
    let status = repo.comfy(["status"]);
    assert!(
        status.starts_with(
            "conflict    a.json  (1 conflict; settle with `git comfy resolve a.json`)\n"
        ),
        "{status}"
    );
    let head = repo.id("HEAD");
    repo.git(["add", "a.json"]);
    for arguments in [&["commit", "-q", "-m", "x"][..], &["commit", "-q", "-a", "-m", "x"]] {
        let output = repo.try_git(arguments);
        assert_eq!(output.status.code(), Some(1));
        insta::allow_duplicates! {
            insta::assert_snapshot!(text_of(&output).1, @r"
            git-comfy: a.json still has 1 conflict of a merge in it
              settle:             git comfy resolve a.json
              take it as it is:   git comfy resolve a.json --accept
            nothing was committed (git commit --no-verify commits it all the same)
            ");
        }
        assert_eq!(repo.id("HEAD"), head);
    }
    // What is staged counts, whatever the file holds since.
    let unsettled = repo.text("a.json");
    repo.write("a.json", "{}");
    assert_eq!(repo.try_git(["commit", "-q", "-m", "x"]).status.code(), Some(1));
    repo.write("a.json", unsettled);
    let staged = repo.comfy_with(["check", "--staged"], b"");
    assert_eq!(staged.status.code(), Some(1));
    assert!(text_of(&staged).0.contains("not settled: a.json (1 conflict)"));
    // Who insists may; a check in CI still finds it, and it can still be settled.
    repo.git(["commit", "-q", "--no-verify", "-m", "as it is"]);
    assert_eq!(repo.comfy_with(["check"], b"").status.code(), Some(1));
    assert_eq!(resolve(&repo, &["a.json", "--theirs"]).0, 0);
    repo.git(["commit", "-q", "-m", "settled"]);
    repo.comfy(["check"]);
    assert_eq!(widget(&repo.blob("HEAD:a.json"), 3, "cfg"), "5.5");
}

/// Commits that have nothing to do with a conflict go through, and a program that fails
/// for another reason never holds one up.
#[test]
fn other_commits_are_not_held_up() {
    let repo = quarrel_repo();
    repo.write("notes.json", r#"{"about": "the key git_comfy", "git_comfy": {"conflicts": [1]}}"#);
    repo.commit_all("words");
    repo.write("a.json", "no workflow, but \"git_comfy\"");
    repo.commit_all("nonsense");
    let mut git = repo.command("git");
    git.env("GIT_COMFY", "0").args(["commit", "-q", "--allow-empty", "-m", "off"]);
    assert!(git.output().unwrap().status.success());
}

#[test]
fn a_rebase_goes_on_after_settling() {
    let repo = quarrel_repo();
    repo.git(["checkout", "-q", "theirs"]);
    assert_eq!(repo.try_git(["rebase", "main"]).status.code(), Some(1));
    let (code, out, _) = resolve(&repo, &["a.json", "--theirs"]);
    assert_eq!(code, 0);
    assert!(out.contains("go on with `git rebase --continue`"), "{out}");
    repo.git(["rebase", "--continue"]);
    assert_eq!(widget(&repo.blob("HEAD:a.json"), 3, "cfg"), "5.5");
    assert_eq!(repo.git(["status", "--porcelain"]), "");
}

/// Both put a node into one wire: a person usually wants both.
#[test]
fn two_nodes_in_one_wire_are_put_behind_each_other() {
    for (first, order) in [("ours-first", [20, 21]), ("theirs-first", [21, 20])] {
        let base = Canvas::txt2img();
        let (mut ours, mut theirs) = (base.clone(), base.clone());
        ours.add(20, "LoraLoader").set(20, "lora_name", r#""a.safetensors""#);
        ours.wire(4, 0, 20, "model").wire(20, 0, 3, "model");
        theirs.add(21, "LoraLoader").set(21, "lora_name", r#""b.safetensors""#);
        theirs.wire(4, 0, 21, "model").wire(21, 0, 3, "model");
        let repo = apart("a.json", &saved(&base), &saved(&ours), &saved(&theirs));
        assert_eq!(repo.try_git(["merge", "-q", "theirs"]).status.code(), Some(1));
        let (_, told, _) = resolve(&repo, &["a.json", "--list"]);
        assert!(told.contains("both, ours first    LoraLoader #20, then LoraLoader #21"), "{told}");
        assert!(repo.text("a.json").contains("--both ours-first"));
        assert_eq!(resolve(&repo, &["a.json", "--both", first]).0, 0);
        let source = |id: i64| format!("Node {{ id: NodeId::Number({id}), slot: 0 }}");
        let by = |id: i64| fed_by(&repo, id, "model");
        let plain = |text: String| text.chars().filter(char::is_ascii_digit).collect::<String>();
        assert_eq!(plain(by(3)), plain(source(order[1])), "{}", by(3));
        assert_eq!(plain(by(order[1])), plain(source(order[0])));
        assert_eq!(plain(by(order[0])), plain(source(4)));
    }
}

/// git calls no `pre-commit` when it goes on with a rebase or a pick.
#[test]
fn what_is_only_staged_does_not_go_on_unnoticed() {
    for (start, next) in [("rebase", "rebase"), ("cherry-pick", "cherry-pick")] {
        let repo = quarrel_repo();
        repo.git(["checkout", "-q", "theirs"]);
        assert_eq!(repo.try_git([start, "main"]).status.code(), Some(1), "{start}");
        let head = repo.id("HEAD");
        repo.git(["add", "a.json"]);
        let goes_on = || {
            let mut git = repo.command("git");
            git.env("GIT_EDITOR", "true").args([next, "--continue"]).output().unwrap()
        };
        let output = goes_on();
        assert!(!output.status.success(), "{start}");
        let told = text_of(&output).1;
        assert!(told.contains("a.json still has 1 conflict of a merge in it"), "{told}");
        assert!(told.contains("nothing was committed"), "{told}");
        assert_eq!(repo.id("HEAD"), head);
        assert_eq!(resolve(&repo, &["a.json", "--ours"]).0, 0);
        goes_on();
        assert_eq!(conflicts(&repo.blob("HEAD:a.json")), [""; 0]);
        assert!(!repo.common_dir().join("rebase-merge").exists());
    }
}

/// Cards that were committed on purpose are no reason to stop whoever moves the commit.
#[test]
fn a_commit_with_conflicts_in_it_can_be_picked() {
    let repo = quarrel_repo();
    repo.git(["checkout", "-q", "-b", "unsettled"]);
    repo.try_git(["merge", "-q", "theirs"]);
    repo.git(["add", "a.json"]);
    repo.git(["commit", "-q", "--no-verify", "-m", "as it is"]);
    let unsettled = repo.text("a.json");
    repo.git(["checkout", "-q", "main"]);
    repo.git(["cherry-pick", "-m", "1", "unsettled"]);
    assert_eq!(conflicts(&repo.blob("HEAD:a.json")), ["KSampler #3: cfg"]);
    assert_eq!(repo.text("a.json"), unsettled);
}

#[test]
fn staged_conflict_markers_are_told() {
    let repo = quarrel_repo();
    repo.write(
        "list.json",
        "{\n<<<<<<< HEAD\n  \"a\": 1\n=======\n  \"a\": 2\n>>>>>>> theirs\n}\n",
    );
    repo.git(["add", "list.json"]);
    let output = repo.try_git(["commit", "-q", "-m", "x"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text_of(&output).1, @r"
    git-comfy: list.json still has 1 conflict of a merge in it
      settle what stands between the conflict markers, then:
      git add list.json
    nothing was committed (git commit --no-verify commits it all the same)
    ");
    repo.write("list.json", "{\n  \"a\": 1\n}\n");
    repo.commit_all("settled");
}

#[test]
fn git_mergetool_settles_too() {
    let repo = quarrel_repo();
    repo.try_git(["merge", "-q", "theirs"]);
    let mut git = repo.command("git");
    git.args(["mergetool", "--no-prompt", "--tool=comfy"]);
    // Nobody is asked here, so it is left unsettled, and git is told.
    let output = git.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{:?}", text_of(&output));
    assert_eq!(repo.git(["ls-files", "--unmerged"]).lines().count(), 3);
    // With somebody there.
    let cmd = repo.git(["config", "mergetool.comfy.cmd"]);
    let asked = cmd.trim().replace("resolve --", "resolve -i --");
    repo.git(["config", "mergetool.comfy.cmd", &format!("echo 2 | {asked}")]);
    repo.git(["mergetool", "--no-prompt", "--tool=comfy"]);
    assert_eq!(repo.git(["ls-files", "--unmerged"]), "");
    assert_eq!(widget(&repo.read("a.json"), 3, "cfg"), "5.5");
}

/// In a clone where git-comfy was not there to merge, git has left both sides' lines.
#[test]
fn lines_that_git_left_are_merged_anew() {
    let repo = quarrel_repo();
    repo.git(["config", "--remove-section", "merge.comfy"]);
    repo.try_git(["merge", "-q", "theirs"]);
    assert!(repo.text("a.json").contains("<<<<<<<"));
    repo.comfy(["init", "-q"]);
    let (code, out, err) = resolve(&repo, &["a.json"]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("merged as a graph now"), "{err}");
    assert_eq!(conflicts(&repo.read("a.json")), ["KSampler #3: cfg"]);
    assert_eq!(widget(&repo.read("a.json"), 3, "steps"), "30");
    assert_eq!(resolve(&repo, &["a.json", "--theirs"]).0, 0);
    assert_eq!(repo.git(["ls-files", "--unmerged"]), "");
}

#[test]
fn what_is_not_there_any_more_cannot_be_written() {
    let repo = quarrel_repo();
    repo.try_git(["merge", "-q", "theirs"]);
    let mut edited = workflow(&repo.read("a.json"));
    let id = comfy_graph::graph::NodeId::from(3);
    let touches = |link: &&comfy_graph::graph::Link| {
        link.from().node_id() == Some(&id) || link.to().node_id() == Some(&id)
    };
    let gone = edited.root.links.values().filter(touches).map(|link| link.id()).collect();
    edited.root.nodes.shift_remove(&id);
    edited.root.remove_links(&gone);
    let style = comfy_graph::json::JsonStyle::SAVE;
    repo.write("a.json", comfy_graph::json::print(&edited.into_value(), &style));
    let (code, _, err) = resolve(&repo, &["a.json", "--theirs"]);
    assert_eq!(code, 1);
    assert!(err.contains("--accept --only 1"), "{err}");
    assert_eq!(resolve(&repo, &["a.json", "--accept"]).0, 0);
    assert!(!repo.text("a.json").contains("MarkdownNote"));
}

#[test]
fn a_file_without_conflicts_or_without_sense_is_told() {
    let repo = quarrel_repo();
    assert_eq!(resolve(&repo, &["a.json"]), (0, "a.json has no conflicts\n".into(), String::new()));
    assert_eq!(resolve(&repo, &[]), (0, "no workflow has conflicts\n".into(), String::new()));
    repo.write("b.json", "what");
    assert_eq!(resolve(&repo, &["b.json"]).0, 2);
    assert_eq!(resolve(&repo, &["gone.json"]).0, 2);
}

/// What ComfyUI's Save makes of a file: one line, everything on the canvas redrawn, values
/// by name beside those by position, keys of the top level that it does not know dropped.
fn as_saved(text: &str) -> String {
    let mut canvas = Canvas::new();
    canvas.workflow = comfy_graph::graph::Workflow::from_value(json(text)).unwrap();
    canvas.name_values();
    let mut order = 0;
    for node in canvas.workflow.root.nodes.values_mut() {
        order += 1;
        let raw = node.raw_mut();
        for (key, value) in [("flags", "{}"), ("pos", "[10.5,20]"), ("size", "[300.25,80]")] {
            raw.insert(key, json(value));
        }
        raw.insert("order", order);
        raw.insert("showAdvanced", false);
        for input in node.inputs_mut().into_iter().flatten() {
            let name = input.get("name").cloned().unwrap_or_default();
            input.as_object_mut().unwrap().insert("localized_name", name);
        }
    }
    // The node dragged last is drawn last.
    canvas.workflow.root.nodes.move_index(0, order - 1);
    canvas.workflow.root.rest.insert("id", "99999999-0000-4000-8000-000000000000");
    canvas.extra("frontendVersion", r#""1.58.1""#).extra("ds", r#"{"scale":2,"offset":[1,2]}"#);
    print(&canvas.workflow.into_value(), &JsonStyle::SAVE)
}

/// What its Export makes: sockets of widgets that nothing feeds are gone, and links name
/// other slots.
fn as_exported(text: &str) -> String {
    let mut workflow = comfy_graph::graph::Workflow::from_value(json(text)).unwrap();
    let graph = &mut workflow.root;
    for (id, node) in &mut graph.nodes {
        let kept: Vec<usize> = node
            .inputs()
            .filter(|input| input.widget().is_none() || input.link().is_some())
            .map(|input| input.at)
            .collect();
        if let Some(inputs) = node.inputs_mut() {
            *inputs = kept.iter().map(|at| inputs[*at].clone()).collect();
        }
        for link in graph.links.values_mut() {
            let slot = link.to().slot().unwrap();
            if link.to().node_id() == Some(id) {
                let at = kept.iter().position(|at| *at == slot).unwrap();
                let to = link.to().with_slot(at);
                link.set_to(to);
            }
        }
    }
    print(&workflow.into_value(), &JsonStyle::EXPORT)
}

/// Conflicts live through everything a file goes through: into git and out of it, opened
/// and saved by ComfyUI, exported, and all of it twice.
#[test]
fn a_conflicted_file_resolves_after_any_journey() {
    for journey in ["clean", "saved", "exported", "saved clean saved exported clean"] {
        let repo = three_conflicts();
        for step in journey.split(' ') {
            match step {
                "clean" => {
                    repo.git(["add", "a.json"]);
                    std::fs::remove_file(repo.path.join("a.json")).unwrap();
                    repo.git(["checkout", "-q", "--", "a.json"]);
                }
                "saved" => repo.write("a.json", as_saved(&repo.text("a.json"))),
                _ => repo.write("a.json", as_exported(&repo.text("a.json"))),
            }
        }
        assert_eq!(conflicts(&repo.read("a.json")).len(), 3, "{journey}");
        let (_, out, _) = resolve(&repo, &["a.json"]);
        assert!(!out.contains("edited since"), "{journey}: {out}");
        assert_eq!(resolve(&repo, &["a.json", "--theirs", "--at", "model"]).0, 1);
        assert_eq!(resolve(&repo, &["a.json", "--theirs", "--at", "cfg"]).0, 1);
        assert_eq!(resolve(&repo, &["a.json", "--base"]).0, 0);
        let file = repo.read("a.json");
        assert_eq!(widget(&file, 3, "cfg"), "5.5", "{journey}");
        assert_eq!(widget(&file, 3, "sampler_name"), r#""euler""#, "{journey}");
        assert!(fed_by(&repo, 3, "model").contains("11"), "{journey}");
        let text = String::from_utf8_lossy(&file).into_owned();
        assert!(!text.contains("git_comfy") && !text.contains("MarkdownNote"), "{journey}");
    }
}
