//! `git comfy diff` and `git comfy apply`, as a person calls them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::{GIT_COMFY, Repo};

fn demo(name: &str) -> Vec<u8> {
    fs::read(fixture(name)).unwrap()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo").join(name)
}

/// A repository with one commit, and one change that is not committed.
fn repo() -> Repo {
    let repo = Repo::new();
    repo.comfy(["init", "-q"]);
    repo.write("portrait.json", demo("portrait.json"));
    repo.write("notes.txt", "one\n");
    repo.commit_all("first");
    repo.write("portrait.json", demo("portrait-edited.json"));
    repo
}

/// A minimal PNG that carries a workflow.
fn picture(workflow: &[u8]) -> Vec<u8> {
    picture_of(workflow, None)
}

/// The same, with the prompt that was run.
fn picture_of(workflow: &[u8], prompt: Option<&str>) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        png.extend(kind);
        png.extend(data);
        let mut crc = crc32fast::Hasher::new();
        crc.update(kind);
        crc.update(data);
        png.extend(crc.finalize().to_be_bytes());
    };
    chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
    chunk(b"tEXt", &[b"workflow\0".as_slice(), workflow].concat());
    if let Some(prompt) = prompt {
        chunk(b"tEXt", &[b"prompt\0".as_slice(), prompt.as_bytes()].concat());
    }
    chunk(b"IDAT", &[0x78, 0x9c, 0x63, 0, 0, 0, 2, 0, 1]);
    chunk(b"IEND", b"");
    png
}

fn try_comfy(repo: &Repo, arguments: &[&str]) -> Output {
    repo.command(GIT_COMFY).args(arguments).output().unwrap()
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_is_not_staged_is_told_and_what_is_staged_when_asked() {
    let repo = repo();
    let told = repo.comfy(["diff"]);
    insta::assert_snapshot!(told, @"
    diff --git a/portrait.json b/portrait.json
    ~ KSampler #3
        cfg  7 -> 5.5
    ~ Positive prompt #6 (CLIPTextEncode)
        text  … weathered face, knitted sweater, [-storm light through a-]{+candle light, rain on the+}
              window, 85mm, film grain
    ");
    assert_eq!(repo.comfy(["diff", "--cached"]), "");
    repo.git(["add", "."]);
    assert_eq!(repo.comfy(["diff"]), "");
    assert_eq!(repo.comfy(["diff", "--staged"]), told);
    repo.git(["commit", "-q", "-m", "second"]);
    for range in [vec!["HEAD~1..HEAD"], vec!["HEAD~1", "HEAD"], vec!["HEAD~1...main"]] {
        let arguments = [vec!["diff"], range].concat();
        assert_eq!(repo.comfy(arguments), told);
    }
    assert_eq!(repo.comfy(["diff", "HEAD~1", "--", "notes.txt"]), "");
}

#[test]
fn a_file_is_compared_with_any_state_of_any_file() {
    let repo = repo();
    let line = |arguments: &[&str]| {
        let told = repo.comfy([&["diff", "--stat"], arguments].concat());
        told.split(" | ").nth(1).unwrap_or_default().trim().to_owned()
    };
    let there = "KSampler cfg 7 -> 5.5; Positive prompt text edited";
    let back = "KSampler cfg 5.5 -> 7; Positive prompt text edited";
    assert_eq!(line(&["HEAD:portrait.json", "portrait.json"]), there);
    assert_eq!(line(&["HEAD:portrait.json"]), there);
    assert_eq!(line(&["HEAD", "portrait.json"]), there);
    assert_eq!(line(&["portrait.json", "HEAD"]), back);
    assert_eq!(line(&["portrait.json", "HEAD:portrait.json"]), back);
    let second = fixture("second-pass.json");
    assert!(line(&["portrait.json", second.to_str().unwrap()]).starts_with("+ "));
    // A copy of the first state under another name.
    fs::write(repo.path.join("copy.json"), demo("portrait.json")).unwrap();
    assert_eq!(line(&["copy.json", "portrait.json"]), there);
    let refused = complaint(&try_comfy(&repo, &["diff", "copy.json"]));
    assert!(refused.contains("git does not know copy.json"), "{refused}");
    let refused = complaint(&try_comfy(&repo, &["diff", "copy.json", "HEAD"]));
    assert!(refused.contains("copy.json is not there in"), "{refused}");
    let refused = complaint(&try_comfy(&repo, &["diff", "notes.txt", "copy.json"]));
    assert!(refused.contains("notes.txt holds no workflow"), "{refused}");
}

#[test]
fn a_picture_finds_the_file_it_was_made_with() {
    let repo = repo();
    repo.write("out/one.png", picture(&demo("portrait.json")));
    let told = repo.comfy(["diff", "--stat", "out/one.png"]);
    assert_eq!(
        told,
        " out/one.png => portrait.json | KSampler cfg 7 -> 5.5; Positive prompt text edited\n"
    );
    let told = repo.comfy(["diff", "out/one.png", "HEAD"]);
    assert_eq!(told, "");
    repo.write("out/two.png", picture(&demo("portrait-edited.json")));
    let told = repo.comfy(["diff", "out/one.png", "out/two.png"]);
    assert!(told.starts_with("diff out/one.png out/two.png\n--- PNG 1 x 1, "), "{told}");
    assert!(told.contains("cfg  7 -> 5.5"), "{told}");
    repo.git(["rm", "-q", "-f", "portrait.json"]);
    let refused = complaint(&try_comfy(&repo, &["diff", "out/one.png"]));
    assert!(refused.contains("no file here holds the workflow"), "{refused}");
    repo.write("out/bare.png", {
        let png = picture(&demo("portrait.json"));
        [&png[..33], &png[png.len() - 33..]].concat()
    });
    let refused = complaint(&try_comfy(&repo, &["diff", "out/bare.png"]));
    assert!(refused.contains("carries no workflow"), "{refused}");
}

#[test]
fn a_workflow_is_compared_with_an_api_prompt() {
    let repo = repo();
    let prompt = r#"{"3":{"class_type":"KSampler","inputs":{"cfg":9,"model":["4",0]}},
        "4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"other.safetensors"}}}"#;
    repo.write("api.json", prompt);
    let told = repo.comfy(["diff", "portrait.json", "api.json"]);
    assert!(told.contains("~ KSampler #3\n"), "{told}");
    assert!(told.contains("5.5 -> 9"), "{told}");
    assert!(told.contains("- Save Image #9 (SaveImage)"), "{told}");
    let titled = r#"{"3":{"class_type":"KSampler","inputs":{},"_meta":{"title":"Soft"}}}"#;
    repo.write("one.json", titled);
    repo.write("two.json", titled.replace("Soft", "Hard"));
    let told = repo.comfy(["diff", "one.json", "two.json"]);
    assert!(told.contains("    title  Soft -> Hard\n"), "{told}");
    repo.git(["add", "api.json"]);
    let new = repo.comfy(["diff", "--cached", "--", "api.json"]);
    assert!(new.contains("new file mode 100644\n+ KSampler #3\n"), "{new}");
}

#[test]
fn the_exit_code_tells_whether_anything_but_layout_differs() {
    let repo = repo();
    let code = |arguments: &[&str]| try_comfy(&repo, arguments).status.code();
    assert_eq!(code(&["diff"]), Some(0));
    assert_eq!(code(&["diff", "--exit-code"]), Some(1));
    assert_eq!(code(&["diff", "--exit-code", "HEAD", "--", "notes.txt"]), Some(0));
    let (plain, dragged) = (fixture("portrait.json"), fixture("portrait-dragged.json"));
    let (plain, dragged) = (plain.to_str().unwrap(), dragged.to_str().unwrap());
    assert_eq!(code(&["diff", "--exit-code", plain, dragged]), Some(0));
    assert_eq!(code(&["diff", "--exit-code", "--layout", plain, dragged]), Some(1));
    assert_eq!(code(&["diff", "nonsense"]), Some(2));
}

#[test]
fn layout_is_one_line_or_spelled_out() {
    let repo = repo();
    let (plain, dragged) = (fixture("portrait.json"), fixture("portrait-dragged.json"));
    let arguments = ["diff", plain.to_str().unwrap(), dragged.to_str().unwrap()];
    let told = repo.comfy(arguments);
    assert!(told.ends_with("~ layout: 5 nodes, groups, stacking order, view\n"), "{told}");
    // What git cannot see: nodes were only moved since the commit.
    repo.write("portrait.json", demo("portrait-dragged.json"));
    assert_eq!(repo.comfy(["diff"]), "");
    let told = repo.comfy(["diff", "--layout"]);
    assert!(told.contains("~ KSampler #3 pos [1300, 120] -> [1288, 143.03125]\n"), "{told}");
}

#[test]
fn words_of_a_prompt_are_marked_as_git_marks_them() {
    let repo = repo();
    let told = repo.comfy(["diff", "--word-diff=none"]);
    assert!(told.contains("text  -…") && told.contains("text  +…"), "{told}");
    assert_eq!(repo.comfy(["diff", "--word-diff"]), repo.comfy(["diff", "--word-diff=plain"]));
    let coloured = repo.comfy(["diff", "--color"]);
    assert!(coloured.contains("\u{1b}[32m5.5\u{1b}[0m"), "{coloured:?}");
    repo.git(["config", "color.diff", "always"]);
    assert_eq!(repo.comfy(["diff"]), coloured);
    assert!(!repo.comfy(["diff", "--color=never"]).contains('\u{1b}'));
}

#[test]
fn markdown_is_a_review_comment() {
    let repo = repo();
    repo.write("notes.txt", "two\n");
    insta::assert_snapshot!(repo.comfy(["diff", "--format", "markdown"]), @"
    ### `notes.txt`

    modified (no workflow)

    ### `portrait.json`

    - ✏️ **KSampler** &#35;3
      - cfg: `7` → `5.5`
    - ✏️ **Positive prompt** &#35;6 (CLIPTextEncode)
      - text: … weathered face, knitted sweater, <del>storm light through a</del><ins>candle light, rain on the</ins> window, 85mm, film grain
    ");
}

#[test]
fn what_is_no_workflow_is_shown_as_git_shows_it() {
    let repo = repo();
    repo.write("notes.txt", "two\n");
    repo.write("data.json", "{\"a\": 1}\n");
    repo.write("blob.bin", b"\0\x01");
    repo.git(["add", "-N", "data.json", "blob.bin"]);
    for path in ["notes.txt", "data.json", "blob.bin"] {
        let plain = repo.git(["diff", "--no-ext-diff", "--", path]);
        assert!(!plain.is_empty());
        assert_eq!(repo.comfy(["diff", "--", path]), plain);
        assert_eq!(repo.comfy(["diff", path]), plain);
        let plain = repo.git(["diff", "--no-ext-diff", "HEAD", "--", path]);
        assert_eq!(repo.comfy(["diff", "HEAD", "--", path]), plain);
    }
}

#[test]
fn renamed_added_and_deleted_workflows_are_headed_as_git_does() {
    let repo = repo();
    repo.git(["checkout", "-q", "--", "."]);
    repo.git(["mv", "portrait.json", "keeper.json"]);
    repo.write("new.json", demo("second-pass.json"));
    repo.git(["add", "."]);
    let told = repo.comfy(["diff", "--cached"]);
    let head = "diff --git a/portrait.json b/keeper.json\nrename from portrait.json\n\
                rename to keeper.json\n";
    assert!(told.starts_with(head), "{told}");
    assert!(told.contains("new file mode 100644\n+ "), "{told}");
    repo.git(["config", "diff.renames", "false"]);
    let told = repo.comfy(["diff", "--cached", "--stat"]);
    assert!(told.contains(" portrait.json | deleted workflow\n"), "{told}");
}

#[test]
fn a_difference_is_replayed_where_it_fits_and_refused_where_not() {
    let repo = repo();
    let script = repo.comfy(["diff", "HEAD", "--format", "json"]);
    repo.write("change.json", &script);
    repo.write("old.json", demo("portrait-dragged.json"));
    assert_eq!(repo.comfy(["apply", "old.json", "change.json", "--check"]), "old.json: fits\n");
    repo.comfy(["apply", "old.json", "change.json", "-o", "made.json"]);
    assert_eq!(repo.comfy(["diff", "made.json", "portrait.json", "--stat"]).lines().count(), 1);
    let same = try_comfy(&repo, &["diff", "--exit-code", "made.json", "portrait.json"]);
    assert_eq!(same.status.code(), Some(0), "{}", String::from_utf8_lossy(&same.stdout));
    // The nodes stay where the file has them.
    let told = repo.comfy(["diff", "--layout", "old.json", "made.json"]);
    assert!(!told.contains(" pos "), "{told}");
    let before = repo.read("portrait.json");
    let refused =
        try_comfy(&repo, &["apply", "portrait.json", "change.json", "-o", "portrait.json"]);
    let refused = complaint(&refused);
    assert!(
        refused.contains("portrait.json: widget cfg of KSampler #3 is 5.5, not 7"),
        "{refused}"
    );
    assert_eq!(repo.read("portrait.json"), before);
    let text = String::from_utf8(repo.read("old.json")).unwrap();
    let mut other: serde_json::Value = serde_json::from_str(&text).unwrap();
    other["nodes"].as_array_mut().unwrap().retain(|node| node["id"] != 3);
    repo.write("other.json", other.to_string());
    let refused = complaint(&try_comfy(&repo, &["apply", "other.json", "change.json"]));
    assert!(refused.contains("other.json: there is no node KSampler #3"), "{refused}");
    let piped = repo.comfy_with(["apply", "old.json", "-"], script.as_bytes());
    assert!(piped.status.success());
    assert_eq!(piped.stdout, repo.read("made.json"));
    for nonsense in ["{}", "x", r#"{"schema":"git-comfy/diff","version":9,"files":[]}"#] {
        repo.write("nonsense.json", nonsense);
        let refused = complaint(&try_comfy(&repo, &["apply", "old.json", "nonsense.json"]));
        assert!(refused.contains("nonsense.json: "), "{refused}");
    }
}

#[test]
fn two_files_need_no_repository() {
    let repo = Repo::new();
    let folder = repo.world.path("nowhere");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.json"), demo("portrait.json")).unwrap();
    fs::write(folder.join("b.json"), demo("portrait-edited.json")).unwrap();
    let mut command = repo.world.command(GIT_COMFY);
    let output = command.current_dir(&folder).args(["diff", "a.json", "b.json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("cfg  7 -> 5.5"));
}

#[test]
fn one_workflow_is_told_in_a_few_lines() {
    let repo = repo();
    insta::assert_snapshot!(repo.comfy(["show", "HEAD:portrait.json"]), @"
    8 nodes

    models
      CheckpointLoaderSimple #4  sd_xl_base_1.0.safetensors (checkpoints)
      LoraLoader #10             portraits/film_grain_v2.safetensors (loras), strength_model 0.8,
                                 strength_clip 0.8

    prompts
      Positive prompt #6  positive of KSampler #3
          portrait of an old lighthouse keeper, weathered face, knitted sweater, storm light through a
          window, 85mm, film grain
      Negative prompt #7  negative of KSampler #3
          blurry, extra fingers, watermark

    size
      EmptyLatentImage #5  width 832, height 1216, batch_size 1

    sampling
      KSampler #3  seed 718924663012771, steps 28, cfg 7, sampler_name dpmpp_2m, scheduler karras,
                   denoise 1

    outputs
      SaveImage #9  filename_prefix keeper/%date:yyyy-MM-dd%
    ");
    let picture = picture(&demo("portrait.json"));
    repo.write("one.png", picture);
    let told = repo.comfy(["show", "one.png"]);
    assert!(told.starts_with("PNG 1 x 1, ") && told.contains("\nsampling\n"), "{told}");
    let all = repo.comfy(["show", "--full", "portrait.json"]);
    assert!(all.contains("control_after_generate: "), "{all}");
    let refused = complaint(&try_comfy(&repo, &["show", "notes.txt"]));
    assert!(refused.contains("notes.txt holds no workflow"), "{refused}");
}

/// What counts is the value that the instance holds, not the dead one inside.
#[test]
fn what_an_instance_says_is_told_of_the_inside() {
    let repo = repo();
    let text = String::from_utf8(demo("second-pass.json")).unwrap();
    let instance =
        r#""widgets_values":[1.5,0.35],"widgets_values_named":{"scale_by":1.5,"denoise":0.35}"#;
    assert!(text.contains(instance));
    repo.write("b.json", text.replace(instance, &instance.replace("0.35", "0.2")));
    let told = repo.comfy(["show", "b.json"]);
    assert!(told.contains("denoise 0.2\n"), "{told}");
}

/// A node that went and one that came under its number are two things.
#[test]
fn a_number_that_is_used_again_is_told_as_two_nodes() {
    let repo = repo();
    let text = String::from_utf8(demo("portrait.json")).unwrap();
    let image = "\"type\":\"SaveImage\"";
    assert!(text.contains(image));
    repo.write("a.json", text.replace(image, "\"type\":\"PreviewAudio\""));
    repo.write("b.json", &text);
    let told = repo.comfy(["diff", "a.json", "b.json"]);
    assert!(told.contains("SaveImage #9") && told.contains("PreviewAudio"), "{told}");
}

/// Two pictures of one workflow, run with other seeds: the executed prompt knows.
#[test]
fn pictures_of_one_workflow_differ_by_what_was_run() {
    let repo = repo();
    for seed in [1, 2] {
        let prompt =
            format!(r#"{{"3":{{"class_type":"KSampler","inputs":{{"seed":{seed},"cfg":7}}}}}}"#);
        let png = picture_of(&demo("portrait.json"), Some(&prompt));
        repo.write(format!("{seed}.png"), png);
    }
    let told = repo.comfy(["diff", "1.png", "2.png"]);
    assert!(told.ends_with("~ KSampler #3\n    seed  1 -> 2\n"), "{told}");
}

#[test]
fn values_are_told_in_a_terminal_of_any_width() {
    let repo = repo();
    for columns in ["1", "20", "80", "1000"] {
        let mut command = repo.command(GIT_COMFY);
        let output = command.arg("diff").env("COLUMNS", columns).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.contains("    cfg  7 -> 5.5\n") && told.contains("film"), "{told}");
    }
}

#[test]
fn revisions_and_files_are_named_as_git_names_them_in_any_folder() {
    let repo = repo();
    repo.write("sub/b.json", demo("second-pass.json"));
    repo.commit_all("second");
    let text = String::from_utf8(demo("second-pass.json")).unwrap();
    repo.write("sub/b.json", text.replace("blurry", "very blurry"));
    let comfy = |arguments: &[&str]| {
        let mut command = repo.command(GIT_COMFY);
        let output = command.current_dir(repo.path.join("sub")).args(arguments).output().unwrap();
        let told = [output.stdout, output.stderr].concat();
        String::from_utf8(told).unwrap()
    };
    for what in [&["b.json"][..], &["HEAD:./b.json", "b.json"], &["HEAD:sub/b.json"], &["HEAD"]] {
        let told = comfy(&[&["diff", "--stat"], what].concat());
        assert!(told.ends_with(" | CLIPTextEncode text edited\n"), "{what:?}: {told}");
    }
    assert!(comfy(&["show", "HEAD:./b.json"]).starts_with("10 nodes, 1 subgraph\n"));
    let told = comfy(&["diff", "no-such-branch"]);
    assert!(told.starts_with("git-comfy: ambiguous argument 'no-such-branch'"), "{told}");
}
