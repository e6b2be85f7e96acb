//! What git does with workflows that both sides changed: every command that merges, every
//! kind of file, and what happens when the driver cannot do its work.

use std::path::PathBuf;
use std::process::Output;

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{NodeId, Severity, Workflow, check_workflow};
use comfy_graph::json::{JsonStyle, Value, parse, print};
use comfy_graph::merge;

use crate::graph_support::canvas::Canvas;
use crate::support::{GIT_COMFY, Repo};

/// A workflow as ComfyUI's Save writes it.
pub(crate) fn saved(canvas: &Canvas) -> String {
    print(&canvas.value(), &JsonStyle::SAVE)
}

pub(crate) fn text_of(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// A repository that is set up, with a first commit of these files.
fn repo(files: &[(&str, &str)]) -> Repo {
    let repo = Repo::new();
    repo.comfy(["init", "-q"]);
    for (name, text) in files {
        repo.write(name, text);
    }
    repo.commit_all("base");
    repo
}

/// Commits a state of a file on a branch that starts at `from`.
fn branch(repo: &Repo, name: &str, from: &str, files: &[(&str, &str)]) {
    repo.git(["checkout", "-q", "-B", name, from]);
    for (name, text) in files {
        repo.write(name, text);
    }
    repo.commit_all(name);
}

/// `base` on main, then `ours` on main and `theirs` on a branch.
pub(crate) fn apart(file: &str, base: &str, ours: &str, theirs: &str) -> Repo {
    let repo = repo(&[(file, base)]);
    branch(&repo, "theirs", "main", &[(file, theirs)]);
    branch(&repo, "main", "main", &[(file, ours)]);
    repo
}

pub(crate) fn workflow(bytes: &[u8]) -> Workflow {
    let workflow = Workflow::from_value(parse(bytes).unwrap()).unwrap();
    let heavy =
        check_workflow(&workflow).into_iter().filter(|d| d.severity() >= Severity::Heavy).count();
    assert_eq!(heavy, 0, "a merged file is broken");
    workflow
}

/// A widget of a node of the root graph.
pub(crate) fn widget(bytes: &[u8], id: i64, name: &str) -> String {
    let workflow = workflow(bytes);
    let node = &workflow.root.nodes[&NodeId::from(id)];
    let widgets = comfy_graph::graph::WidgetNaming::widgets(&Catalog::core(), &workflow, node);
    let found = widgets.iter().find(|w| w.name.to_string() == name).unwrap();
    print(found.value, &JsonStyle::SAVE)
}

pub(crate) fn conflicts(bytes: &[u8]) -> Vec<String> {
    let found = merge::list_conflicts(&parse(bytes).unwrap(), &Catalog::core());
    found.into_iter().map(|unsettled| unsettled.conflict.to_string()).collect()
}

/// Three states that merge without a conflict: steps here, cfg and a new node there.
pub(crate) fn peaceful() -> [Canvas; 3] {
    let base = Canvas::txt2img();
    let (mut ours, mut theirs) = (base.clone(), base.clone());
    ours.set(3, "steps", "30").add(10, "VAELoader");
    theirs.set(3, "cfg", "5.5").add(10, "LoraLoader");
    [base, ours, theirs]
}

/// Three states with one conflict: cfg.
pub(crate) fn quarrel() -> [Canvas; 3] {
    let base = Canvas::txt2img();
    let (mut ours, mut theirs) = (base.clone(), base.clone());
    ours.set(3, "cfg", "9");
    theirs.set(3, "cfg", "5.5").set(3, "steps", "30");
    [base, ours, theirs]
}

fn peaceful_repo() -> Repo {
    let [base, ours, theirs] = peaceful().map(|canvas| saved(&canvas));
    apart("a.json", &base, &ours, &theirs)
}

pub(crate) fn quarrel_repo() -> Repo {
    let [base, ours, theirs] = quarrel().map(|canvas| saved(&canvas));
    apart("a.json", &base, &ours, &theirs)
}

#[track_caller]
fn assert_peace(bytes: &[u8]) {
    assert_eq!(widget(bytes, 3, "steps"), "30");
    assert_eq!(widget(bytes, 3, "cfg"), "5.5");
    let workflow = workflow(bytes);
    let mut classes: Vec<_> = workflow.root.nodes.values().map(|n| n.class().to_owned()).collect();
    classes.retain(|class| class.ends_with("Loader"));
    classes.sort_unstable();
    assert_eq!(classes, ["LoraLoader", "VAELoader"], "both new nodes are kept");
}

#[test]
fn a_merge_keeps_what_both_did_and_tells_it_on_standard_error() {
    let repo = peaceful_repo();
    let (out, err) = text_of(&repo.try_git(["merge", "-q", "theirs"]));
    assert_eq!(out, "Auto-merging a.json\n", "that is git's own");
    insta::assert_snapshot!(err, @r"
    a.json: merged
      LoraLoader #11: kept both new nodes; theirs 10 is now 11
    ");
    assert_peace(&repo.read("a.json"));
    assert_eq!(repo.git(["status", "--porcelain"]), "");
}

#[test]
fn a_conflict_leaves_a_file_that_opens_and_holds_ours() {
    let repo = quarrel_repo();
    let output = repo.try_git(["merge", "theirs"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text_of(&output).1, @r"
    a.json: 1 conflict; it holds ours and opens in ComfyUI, with a card beside each; `git comfy resolve a.json` settles them
      KSampler #3: cfg was changed on both sides
    ");
    let file = repo.read("a.json");
    assert_eq!((widget(&file, 3, "cfg"), widget(&file, 3, "steps")), ("9".into(), "30".into()));
    assert_eq!(conflicts(&file), ["KSampler #3: cfg"]);
    let cards = workflow(&file).root.nodes.values().filter(|n| n.class() == "MarkdownNote").count();
    assert_eq!(cards, 1);
    assert_eq!(repo.git(["status", "--porcelain"]), "UU a.json\n");
}

#[test]
fn a_merge_that_git_makes_again_gives_the_file_back() {
    let repo = quarrel_repo();
    repo.try_git(["merge", "theirs"]);
    let before = repo.text("a.json");
    repo.write("a.json", "{}");
    // git crashes here if the filter has it wait for the file.
    repo.git(["checkout", "-m", "a.json"]);
    assert_eq!(conflicts(repo.text("a.json").as_bytes()), conflicts(before.as_bytes()));
    assert!(!repo.path.join(".git/index.lock").exists());
}

#[test]
fn rebase_cherry_pick_and_merge_tree_merge_graphs() {
    let repo = peaceful_repo();
    repo.git(["checkout", "-q", "-b", "rebased", "theirs"]);
    repo.git(["rebase", "-q", "main"]);
    assert_peace(&repo.read("a.json"));
    repo.git(["checkout", "-q", "-b", "picked", "main"]);
    repo.git(["cherry-pick", "theirs"]);
    assert_peace(&repo.read("a.json"));
    let tree = repo.git(["merge-tree", "--write-tree", "main", "theirs"]);
    assert_peace(&repo.blob(&format!("{}:a.json", tree.trim())));
}

#[test]
fn a_revert_takes_one_change_out_from_under_later_ones() {
    let [base, ours, theirs] = peaceful();
    let repo = repo(&[("a.json", &saved(&base))]);
    branch(&repo, "main", "main", &[("a.json", &saved(&theirs))]);
    let mut both = theirs.clone();
    both.set(3, "steps", "30");
    branch(&repo, "main", "main", &[("a.json", &saved(&both))]);
    repo.git(["revert", "--no-edit", "HEAD~1"]);
    let file = repo.read("a.json");
    assert_eq!((widget(&file, 3, "cfg"), widget(&file, 3, "steps")), ("8".into(), "30".into()));
    assert!(!workflow(&file).root.nodes.contains_key(&NodeId::from(10)));
    drop(ours);
}

#[test]
fn a_stash_comes_back_onto_a_changed_workflow() {
    let [base, ours, theirs] = peaceful();
    let repo = repo(&[("a.json", &saved(&base))]);
    repo.write("a.json", saved(&theirs));
    repo.git(["stash", "push", "-q"]);
    repo.write("a.json", saved(&ours));
    repo.commit_all("ours");
    repo.git(["stash", "pop", "-q"]);
    assert_peace(&repo.read("a.json"));
}

/// Two branches that merged each other have two common ancestors, which disagree. What git
/// makes of them is nobody's word: what the sides settled alike stays settled.
#[test]
fn a_criss_cross_merge_does_not_ask_again() {
    let [base, ours, theirs] = quarrel();
    let (ours_text, theirs_text) = (saved(&ours), saved(&theirs));
    let repo = repo(&[("a.json", &saved(&base))]);
    branch(&repo, "left", "main", &[("a.json", &ours_text)]);
    branch(&repo, "right", "main", &[("a.json", &theirs_text)]);
    // Both merge the other and settle cfg for 9.
    let mut settled = theirs.clone();
    settled.set(3, "cfg", "9");
    for (branch, other) in [("left", "right"), ("right", "left")] {
        let start = repo.id(other);
        repo.git(["checkout", "-q", branch]);
        repo.git(["tag", "-f", &format!("old-{branch}"), branch]);
        let with = if other == "left" { repo.id("old-left") } else { start };
        repo.git(["merge", "-q", "-s", "ours", "-m", "cross", &with]);
        repo.write("a.json", saved(&settled));
        repo.git(["commit", "-q", "-a", "--amend", "--no-edit", "--allow-empty"]);
    }
    let bases = repo.git(["merge-base", "--all", "left", "right"]);
    assert_eq!(bases.lines().count(), 2, "the history is not criss-cross");
    // One more change on each, elsewhere.
    let (mut one, mut two) = (settled.clone(), settled.clone());
    one.set(5, "width", "768");
    two.set(9, "filename_prefix", r#""two""#);
    branch(&repo, "left", "left", &[("a.json", &saved(&one))]);
    branch(&repo, "right", "right", &[("a.json", &saved(&two))]);
    let output = repo.try_git(["merge", "-q", "left"]);
    assert!(output.status.success(), "{:?}", text_of(&output));
    assert_eq!(text_of(&output).1, "", "what happens among ancestors is not told");
    let file = repo.read("a.json");
    assert_eq!(widget(&file, 3, "cfg"), "9");
    assert_eq!(widget(&file, 5, "width"), "768");
    assert_eq!(widget(&file, 9, "filename_prefix"), r#""two""#);
    assert_eq!(conflicts(&file), [""; 0]);
}

#[test]
fn a_workflow_that_both_added_is_merged_without_a_base() {
    let [_, ours, theirs] = peaceful();
    let repo = repo(&[("readme", "x\n")]);
    branch(&repo, "theirs", "main", &[("a.json", &saved(&theirs))]);
    branch(&repo, "main", "main", &[("a.json", &saved(&ours))]);
    let output = repo.try_git(["merge", "theirs"]);
    assert_eq!(output.status.code(), Some(1), "{:?}", text_of(&output));
    let file = repo.read("a.json");
    let mut found = conflicts(&file);
    found.sort();
    assert_eq!(found, ["KSampler #3: cfg", "KSampler #3: steps"]);
}

/// Files committed before there was a git-comfy: with positions, on one line or with
/// Windows' line ends.
#[test]
fn workflows_that_nobody_cleaned_are_merged() {
    let with_positions = |canvas: &Canvas, moved: i64| {
        let mut canvas = canvas.clone();
        let ids: Vec<i64> = canvas.graph().nodes.keys().filter_map(NodeId::as_number).collect();
        for id in ids {
            canvas.key_of(id, "pos", &format!("[{},{}]", id * 400 + moved, id * 10));
            canvas.key_of(id, "size", "[300,100]");
        }
        let mut value = canvas.workflow.clone();
        value.raise_counters();
        value.into_value()
    };
    for style in [JsonStyle::SAVE, JsonStyle::EXPORT] {
        for line_end in ["\n", "\r\n"] {
            let [base, ours, theirs] = peaceful();
            let texts =
                [with_positions(&base, 0), with_positions(&ours, 7), with_positions(&theirs, 0)]
                    .map(|value| print(&value, &style).replace('\n', line_end));
            let repo = Repo::new();
            repo.write("a.json", &texts[0]);
            repo.commit_all("base");
            for (name, text) in [("theirs", &texts[2]), ("main", &texts[1])] {
                branch(&repo, name, "main", &[("a.json", text)]);
            }
            repo.comfy(["init", "-q"]);
            repo.git(["config", "comfy.mode", "off"]);
            let output = repo.try_git(["merge", "-q", "--no-edit", "theirs"]);
            assert!(output.status.success(), "{:?}", text_of(&output));
            let file = repo.read("a.json");
            assert_peace(&file);
            let pos =
                |id: i64| workflow(&file).root.nodes[&NodeId::from(id)].raw().get("pos").cloned();
            let places = [pos(3), pos(11)].map(|pos| print(&pos.unwrap(), &JsonStyle::SAVE));
            assert_eq!(places[0], "[1207,30]", "ours moved it, and it stays there");
        }
    }
}

#[test]
fn a_workflow_keeps_its_places_through_a_merge() {
    let [base, ours, theirs] = peaceful();
    let place = |mut canvas: Canvas, id: i64, at: &str| {
        let mut workflow = std::mem::replace(&mut canvas, Canvas::new()).workflow;
        for (known, node) in &mut workflow.root.nodes {
            let x = known.as_number().unwrap() * 500;
            let pos = if *known == NodeId::from(id) { at.to_owned() } else { format!("[{x},0]") };
            node.raw_mut().insert("pos", comfy_graph::json::parse_text(&pos).unwrap());
            node.raw_mut().insert("size", comfy_graph::json::parse_text("[300,100]").unwrap());
        }
        workflow.raise_counters();
        print(&workflow.into_value(), &JsonStyle::SAVE)
    };
    let repo = apart(
        "a.json",
        &place(base, 0, ""),
        &place(ours, 3, "[1500,777]"),
        &place(theirs, 10, "[9000,9000]"),
    );
    repo.git(["merge", "-q", "theirs"]);
    let file = repo.read("a.json");
    let merged = workflow(&file);
    let pos = |id: i64| {
        let raw = merged.root.nodes[&NodeId::from(id)].raw();
        print(raw.get("pos").unwrap(), &JsonStyle::SAVE)
    };
    assert_eq!(pos(3), "[1500,777]", "as ours has it");
    assert_eq!(pos(10), "[5000,0]", "the node ours added");
    assert_eq!(pos(11), "[9000,9000]", "the node theirs added, under its new id");
}

#[test]
fn prompts_and_graphs_inside_other_json_are_merged_as_graphs() {
    let prompt = |steps: u32, cfg: f32, more: &str| {
        format!(
            r#"{{"3":{{"class_type":"KSampler","inputs":{{"seed":1,"steps":{steps},"cfg":{cfg},"model":["4",0]}}}},"4":{{"class_type":"CheckpointLoaderSimple","inputs":{{"ckpt_name":"a"}}}}{more}}}"#
        )
    };
    let ours_new = r#","5":{"class_type":"PreviewImage","inputs":{"images":["4",0]}}"#;
    let theirs_new = r#","5":{"class_type":"SaveImage","inputs":{"images":["4",2]}}"#;
    let texts = [prompt(20, 8.0, ""), prompt(30, 8.0, ours_new), prompt(20, 5.5, theirs_new)];
    let wrapped = texts.clone().map(|text| format!(r#"{{"name":"preset","prompt":{text}}}"#));
    for [base, ours, theirs] in [texts, wrapped] {
        let repo = apart("a.json", &base, &ours, &theirs);
        let output = repo.try_git(["merge", "-q", "--no-edit", "theirs"]);
        assert!(output.status.success(), "{:?}", text_of(&output));
        let value = parse(&repo.read("a.json")).unwrap();
        let prompt = value.get("prompt").unwrap_or(&value);
        let inputs = prompt.get("3").unwrap().get("inputs").unwrap();
        let told = |key: &str| print(inputs.get(key).unwrap(), &JsonStyle::SAVE);
        assert_eq!((told("steps"), told("cfg")), ("30".into(), "5.5".into()));
        let class = |id: &str| prompt.get(id).unwrap().get("class_type").and_then(Value::as_str);
        assert_eq!((class("5"), class("6")), (Some("PreviewImage"), Some("SaveImage")));
    }
}

#[test]
fn other_json_is_merged_key_by_key_and_keeps_its_looks() {
    let base = "{\n    \"a\": 1, \"b\": 2,\n\n    \"list\": [1, 2]\n}\n";
    let repo = apart(
        "a.json",
        base,
        &base.replace("\"a\": 1", "\"a\": 10"),
        &base.replace("\"b\": 2", "\"b\": 20"),
    );
    repo.git(["merge", "-q", "--no-edit", "theirs"]);
    let value = parse(&repo.read("a.json")).unwrap();
    assert_eq!(print(&value, &JsonStyle::SAVE), r#"{"a":10,"b":20,"list":[1,2]}"#);
    // One value changed on both sides: markers around it, and nowhere else.
    let base = "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n";
    let repo = apart(
        "a.json",
        base,
        &base.replace("\"a\": 1", "\"a\": 10").replace("\"c\": 3", "\"c\": 30"),
        &base.replace("\"a\": 1", "\"a\": 11").replace("\"b\": 2", "\"b\": 20"),
    );
    assert_eq!(repo.try_git(["merge", "-q", "theirs"]).status.code(), Some(1));
    insta::assert_snapshot!(repo.text("a.json"), @r#"
    {
    <<<<<<< HEAD
      "a": 10,
    =======
      "a": 11,
    >>>>>>> theirs
      "b": 20,
      "c": 30
    }
    "#);
}

/// Whatever is no JSON is merged as git merges it.
#[test]
fn other_text_is_merged_as_git_does() {
    let long = |first: &str, last: &str| format!("// no JSON\n{first}\n\n\n\n\n\n{last}\n");
    for (ours, theirs) in [
        (long("one", "b"), long("a", "two")),
        (long("one", "b"), long("two", "b")),
        (String::from("\0binary one"), String::from("\0binary two")),
    ] {
        let base = long("a", "b");
        let ours_repo = apart("a.json", &base, &ours, &theirs);
        let plain = apart("a.json", &base, &ours, &theirs);
        plain.git(["config", "--remove-section", "merge.comfy"]);
        let [with, without] = [&ours_repo, &plain].map(|repo| {
            let code = repo.try_git(["merge", "-q", "--no-edit", "theirs"]).status.code();
            (code, repo.read("a.json"), repo.git(["status", "--porcelain"]))
        });
        assert_eq!(with, without);
    }
}

#[test]
fn a_side_can_be_favoured_and_kinds_of_change_have_rules() {
    for (favour, cfg) in [("ours", "9"), ("theirs", "5.5")] {
        let repo = quarrel_repo();
        let mut git = repo.command("git");
        git.env("GIT_COMFY_FAVOR", favour).args(["merge", "-q", "theirs"]);
        let output = git.output().unwrap();
        assert!(output.status.success(), "{:?}", text_of(&output));
        assert_eq!(widget(&repo.read("a.json"), 3, "cfg"), cfg);
        let repo = quarrel_repo();
        repo.git(["config", "comfy.merge.values", favour]);
        repo.git(["merge", "-q", "theirs"]);
        assert_eq!(widget(&repo.read("a.json"), 3, "cfg"), cfg);
    }
    let repo = quarrel_repo();
    repo.git(["config", "comfy.merge.values", "mine"]);
    repo.git(["config", "comfy.merge.colour", "ours"]);
    let output = repo.try_git(["merge", "-q", "theirs"]);
    assert_eq!(output.status.code(), Some(1), "what is not understood has no effect");
    let told = text_of(&output).1;
    assert!(told.contains("comfy.merge.values is not understood"), "{told}");
    assert!(told.contains("comfy.merge.colour is not known"), "{told}");
}

/// The files that git hands over, outside any repository.
struct Handed {
    folder: tempfile::TempDir,
}

impl Handed {
    fn new() -> Handed {
        let folder = tempfile::tempdir().unwrap();
        let [base, ours, theirs] = peaceful().map(|canvas| saved(&canvas));
        for (name, text) in [("base", base), ("ours", ours), ("theirs", theirs)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Handed { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn driver(&self, names: [&str; 3]) -> Output {
        let world = crate::support::World::new();
        let mut command = world.command(GIT_COMFY);
        command.current_dir(self.folder.path()).arg("merge-driver").args(names).output().unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

#[test]
fn switched_off_it_merges_lines() {
    let handed = Handed::new();
    let world = crate::support::World::new();
    let mut git = world.command("git");
    git.current_dir(handed.folder.path()).args(["merge-file", "-p", "ours", "base", "theirs"]);
    let lines = git.output().unwrap().stdout;
    let mut command = world.command(GIT_COMFY);
    command.current_dir(handed.folder.path()).env("GIT_COMFY", "0");
    let output = command.args(["merge-driver", "base", "ours", "theirs"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "both changed the one line");
    assert_eq!(std::fs::read(handed.file("ours")).unwrap(), lines);
}

#[test]
fn an_input_that_cannot_be_read_fails_above_128_and_changes_nothing() {
    let handed = Handed::new();
    let before = std::fs::read(handed.file("ours")).unwrap();
    std::fs::create_dir(handed.file("folder")).unwrap();
    for names in [["base", "ours", "gone"], ["gone", "ours", "theirs"], ["base", "ours", "folder"]]
    {
        let output = handed.driver(names);
        assert_eq!(output.status.code(), Some(129), "{names:?} {:?}", text_of(&output));
        assert_eq!(text_of(&output).0, "");
        assert_eq!(std::fs::read(handed.file("ours")).unwrap(), before);
    }
    assert!(handed.driver(["base", "ours", "theirs"]).status.success());
    assert_eq!(handed.names(), ["base", "folder", "ours", "theirs"], "nothing is left behind");
}

/// A disk that is full, and a program killed while it writes: the file is the old one, git
/// is told that the driver failed, and takes back its merge.
#[cfg(unix)]
#[test]
fn a_write_that_breaks_off_changes_nothing() {
    for limit in ["trap '' XFSZ; ulimit -f 0", "ulimit -f 0"] {
        let repo = peaceful_repo();
        let before = (repo.read("a.json"), repo.id("HEAD"));
        let driver = repo.git(["config", "merge.comfy.driver"]);
        let broken = format!("{limit}; exec {}", driver.trim());
        repo.git(["config", "merge.comfy.driver", &broken]);
        let output = repo.try_git(["merge", "theirs"]);
        let code = output.status.code();
        assert!(code.is_some_and(|code| code > 1), "{limit}: {code:?} {:?}", text_of(&output));
        assert_eq!((repo.read("a.json"), repo.id("HEAD")), before, "{limit}");
        assert_eq!(repo.git(["status", "--porcelain"]), "", "{limit}");
        repo.git(["config", "merge.comfy.driver", driver.trim()]);
        repo.git(["merge", "-q", "theirs"]);
        assert_peace(&repo.read("a.json"));
    }
}

/// Names that git and shells find hard.
#[test]
fn odd_paths_reach_the_driver() {
    let [base, ours, theirs] = peaceful().map(|canvas| saved(&canvas));
    for name in ["-x.json", "a b/it's $HOME \"%P\".json", "ä/ü.json"] {
        let repo = apart(name, &base, &ours, &theirs);
        let output = repo.try_git(["merge", "-q", "theirs"]);
        assert!(output.status.success(), "{:?}", text_of(&output));
        assert!(text_of(&output).1.starts_with(&format!("{name}: merged\n")));
        assert_peace(&repo.read(name));
    }
}
