//! `git comfy merge`: three files, a preview, an explanation.

use crate::graph_support::canvas::Canvas;
use crate::merging::{apart, conflicts, peaceful, quarrel, saved, text_of, widget};
use crate::support::{Repo, World};

fn three(world: &World, texts: [String; 3]) {
    for (name, text) in ["base.json", "ours.json", "theirs.json"].into_iter().zip(texts) {
        std::fs::write(world.path(name), text).unwrap();
    }
}

fn merge(world: &World, more: &[&str]) -> (i32, Vec<u8>, String) {
    let mut command = world.command(crate::support::GIT_COMFY);
    command.current_dir(world.path(".")).arg("merge");
    let output =
        command.args(["base.json", "ours.json", "theirs.json"]).args(more).output().unwrap();
    let (_, err) = text_of(&output);
    (output.status.code().unwrap(), output.stdout, err)
}

#[test]
fn three_files_are_merged_without_git() {
    let world = World::new();
    three(&world, peaceful().map(|canvas| saved(&canvas)));
    let (code, out, err) = merge(&world, &[]);
    assert_eq!(code, 0, "{err}");
    assert_eq!((widget(&out, 3, "steps"), widget(&out, 3, "cfg")), ("30".into(), "5.5".into()));
    assert!(err.contains("kept both new nodes"), "{err}");
    three(&world, quarrel().map(|canvas| saved(&canvas)));
    let before = std::fs::read(world.path("ours.json")).unwrap();
    let (code, out, err) = merge(&world, &["-o", "out.json"]);
    assert_eq!((code, out.as_slice()), (1, &b""[..]), "{err}");
    assert!(err.contains("git comfy resolve out.json"), "{err}");
    assert_eq!(conflicts(&std::fs::read(world.path("out.json")).unwrap()), ["KSampler #3: cfg"]);
    assert_eq!(std::fs::read(world.path("ours.json")).unwrap(), before);
    // What was made outside of a repository is settled there.
    let mut resolve = world.command(crate::support::GIT_COMFY);
    resolve.current_dir(world.path(".")).args(["resolve", "out.json", "--theirs"]);
    assert_eq!(resolve.output().unwrap().status.code(), Some(0));
    assert_eq!(widget(&std::fs::read(world.path("out.json")).unwrap(), 3, "cfg"), "5.5");
}

#[test]
fn three_files_or_nothing() {
    let world = World::new();
    three(&world, ["x".into(), "y".into(), "z".into()]);
    assert_eq!(merge(&world, &[]).0, 2);
    for arguments in [&["merge"][..], &["merge", "a", "b"], &["merge", "--explain", "a", "b"]] {
        let mut command = world.command(crate::support::GIT_COMFY);
        let output = command.current_dir(world.path(".")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

/// Everything that a preview might change.
fn state(repo: &Repo) -> String {
    let refs = repo.git(["for-each-ref"]);
    let objects = repo.git(["count-objects", "-v"]);
    let index = repo.git(["ls-files", "--stage"]);
    let status = repo.git(["status", "--porcelain"]);
    let journal = repo.common_dir().join("comfy/merges").exists();
    format!("{refs}{objects}{index}{status}{journal}")
}

#[test]
fn a_preview_tells_what_a_merge_would_do_and_touches_nothing() {
    let [base, ours, theirs] = quarrel().map(|canvas| saved(&canvas));
    let repo = apart("a.json", &base, &ours, &theirs);
    repo.git(["checkout", "-q", "theirs"]);
    repo.write("new.json", saved(&Canvas::txt2img()));
    repo.commit_all("another");
    repo.git(["checkout", "-q", "main"]);
    let before = state(&repo);
    let output = repo.comfy_with(["merge", "--preview", "theirs"], b"");
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text_of(&output).0, @r"
    new.json: taken from theirs
    a.json: 1 conflict
      conflict: KSampler #3: cfg was changed on both sides
    ");
    assert_eq!(state(&repo), before);
    let mut favoured = repo.command(crate::support::GIT_COMFY);
    favoured.env("GIT_COMFY_FAVOR", "theirs").args(["merge", "--preview", "theirs"]);
    let output = favoured.output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text_of(&output).0.contains("a.json: merges by itself"));
    let output = repo.comfy_with(["merge", "--preview", "main"], b"");
    assert_eq!(text_of(&output).0, "no workflow would change by merging main\n");
    assert_eq!(repo.comfy_with(["merge", "--preview", "nowhere"], b"").status.code(), Some(2));
    // Who looks at a remote's branch may have fetched nothing lately.
    let (_, said) = text_of(&output);
    assert!(!said.contains("git fetch"), "{said}");
    repo.git(["update-ref", "refs/remotes/origin/main", "main"]);
    let (_, said) = text_of(&repo.comfy_with(["merge", "--preview", "origin/main"], b""));
    assert!(said.contains("origin/main as it was fetched last; `git fetch` brings"), "{said}");
}

#[test]
fn the_last_merge_is_explained() {
    let [base, ours, theirs] = peaceful().map(|canvas| saved(&canvas));
    let repo = apart("a.json", &base, &ours, &theirs);
    assert_eq!(repo.comfy(["merge", "--explain"]), "no merge of workflows is known here\n");
    repo.git(["merge", "-q", "theirs"]);
    let told = repo.comfy(["merge", "--explain"]);
    insta::assert_snapshot!(told, @r"
    a.json: theirs into HEAD
      LoraLoader #11: kept both new nodes; theirs 10 is now 11
      VAELoader #10: added by ours
      LoraLoader #11: added by theirs
      KSampler #3: steps: only ours changed it
      KSampler #3: cfg: only theirs changed it
    ");
    assert_eq!(repo.comfy(["merge", "--explain", "a.json"]), told);
    assert_eq!(
        repo.comfy(["merge", "--explain", "b.json"]),
        "no merge of workflows is known here\n"
    );
}
