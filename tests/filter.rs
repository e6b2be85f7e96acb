//! The filter under real git: what goes in clean comes out as it was, and whatever is no
//! workflow is never touched.

use std::process::Stdio;

use crate::support::{Format, Repo, World, shared_data, workflow};

fn stored(repo: &Repo, path: &str) -> String {
    String::from_utf8(repo.blob(&format!(":{path}"))).unwrap()
}

#[test]
fn a_workflow_goes_in_without_positions_and_comes_back_with_them() {
    for format in Format::all() {
        let repo = Repo::with(format);
        repo.use_filter();
        let original = workflow(20, 7);
        repo.write("a.json", &original);
        repo.git(["add", "a.json"]);
        let clean = stored(&repo, "a.json");
        assert!(!clean.contains("\"pos\"") && clean.contains("156680208700286"), "{clean}");
        std::fs::remove_file(repo.path.join("a.json")).unwrap();
        repo.git(["checkout", "--", "a.json"]);
        assert_eq!(repo.text("a.json"), original, "{format:?}");
        assert_eq!(repo.git(["status", "--porcelain"]), "A  a.json\n");
    }
}

#[test]
fn moving_nodes_is_no_difference() {
    let repo = Repo::new();
    repo.use_filter();
    repo.write("a.json", workflow(20, 0));
    repo.commit_all("one");
    repo.write("a.json", workflow(20, 900));
    assert_eq!(repo.git(["diff"]), "");
    repo.write("a.json", workflow(21, 900));
    let diff = repo.git(["diff", "--numstat"]);
    assert_eq!(diff, "1\t1\ta.json\n", "one value, one line");
}

#[test]
fn git_talks_to_one_process_for_all_files() {
    let repo = Repo::new();
    repo.use_filter();
    // Would fail if git called them.
    repo.git(["config", "filter.comfy.clean", "false"]);
    repo.git(["config", "filter.comfy.smudge", "false"]);
    for n in 0..5 {
        repo.write(format!("{n}.json"), workflow(n, 1));
    }
    repo.commit_all("five");
    repo.git(["rm", "-q", "--cached", "-r", "."]);
    repo.git(["reset", "-q", "--hard"]);
    for n in 0..5 {
        assert_eq!(repo.text(format!("{n}.json")), workflow(n, 1));
    }
}

#[test]
fn the_one_shot_commands_do_the_same() {
    let repo = Repo::new();
    repo.use_filter();
    repo.git(["config", "--unset", "filter.comfy.process"]);
    let original = workflow(20, 7);
    repo.write("sub/a.json", &original);
    repo.git(["add", "sub/a.json"]);
    assert!(!stored(&repo, "sub/a.json").contains("\"pos\""));
    std::fs::remove_file(repo.path.join("sub/a.json")).unwrap();
    repo.git(["checkout", "--", "sub/a.json"]);
    assert_eq!(repo.text("sub/a.json"), original);
    let output = repo.comfy_with(["clean", "--", "sub/a.json"], original.as_bytes());
    assert_eq!(output.stdout, repo.blob(":sub/a.json"));
    // Outside of any repository, too.
    let outside = repo.world.at("home");
    let output = outside.comfy_with(["clean"], original.as_bytes());
    assert_eq!(output.stdout, repo.blob(":sub/a.json"));
    let output = outside.comfy_with(["smudge"], &output.stdout);
    assert!(String::from_utf8(output.stdout).unwrap().contains("\"pos\""), "arranged");
}

/// Bytes that are no workflow, or none that could be given back.
fn strange_files() -> Vec<(&'static str, Vec<u8>)> {
    let whole = workflow(20, 7);
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(whole.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let deep = format!(
        "{{\"version\":0.4,\"nodes\":[],\"x\":{}{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    vec![
        ("empty", Vec::new()),
        ("cut.off", whole.as_bytes()[..whole.len() / 2].to_vec()),
        ("binary", (0..=255).cycle().take(70_000).collect()),
        ("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\"nodes\" \"version\"".to_vec()),
        ("utf16", utf16),
        ("bom", [b"\xef\xbb\xbf".as_slice(), whole.as_bytes()].concat()),
        ("twice", whole.replacen("\"nodes\":", "\"nodes\":1,\"nodes\":", 1).into_bytes()),
        ("nan", whole.replacen("\"steps\"", "NaN", 1).replacen(",8,", ",NaN,", 1).into_bytes()),
        ("surrogate", whole.replacen("Sampling", "\\ud800", 1).into_bytes()),
        ("deep", deep.into_bytes()),
        ("no.final.newline", b"{\"a\": 1}".to_vec()),
        ("odd.spaces", b"{ \"a\" :1 ,\r\n\"b\":[ ]}\n\n".to_vec()),
        ("array", b"[1, 2, 3]".to_vec()),
        ("packets", vec![b'x'; 65_516 * 2]),
        ("packets.and.one", vec![b'{'; 65_516 * 2 + 1]),
    ]
}

#[test]
fn what_is_no_workflow_keeps_every_byte() {
    for process in [true, false] {
        let repo = Repo::new();
        repo.use_filter();
        if !process {
            repo.git(["config", "--unset", "filter.comfy.process"]);
        }
        let files = strange_files();
        for (name, bytes) in &files {
            repo.write(format!("{name}.json"), bytes);
        }
        repo.git(["add", "."]);
        repo.git(["commit", "-q", "-m", "strange"]);
        for (name, bytes) in &files {
            // A BOM before a workflow may come off: it comes back with the file.
            let blob = repo.blob(&format!("HEAD:{name}.json"));
            assert!(blob == *bytes || *name == "bom", "{name}");
            std::fs::remove_file(repo.path.join(format!("{name}.json"))).unwrap();
        }
        repo.git(["checkout", "--", "."]);
        for (name, bytes) in &files {
            assert_eq!(repo.read(format!("{name}.json")), *bytes, "{name}");
        }
        assert_eq!(repo.git(["status", "--porcelain"]), "");
    }
}

#[test]
fn a_file_that_looks_like_a_workflow_and_is_none_costs_one_line() {
    let repo = Repo::new();
    repo.use_filter();
    let whole = workflow(20, 7);
    repo.write("cut.json", &whole[..whole.len() - 2]);
    repo.write("fine.json", &whole);
    repo.write("other.json", "{\"a\": 1}");
    let output = repo.try_git(["add", "."]);
    assert!(output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.starts_with("git-comfy: cut.json is kept as it is, with its layout: "), "{told}");
}

#[test]
fn a_file_beyond_the_limit_passes_untouched() {
    for process in [true, false] {
        let repo = Repo::new();
        repo.use_filter();
        if !process {
            repo.git(["config", "--unset", "filter.comfy.process"]);
        }
        repo.git(["config", "comfy.maxFileSize", "100k"]);
        let whole = workflow(20, 7);
        let large = whole.replacen("Sampling", &"x".repeat(400_000), 1);
        repo.write("large.json", &large);
        repo.write("small.json", &whole);
        repo.git(["add", "."]);
        assert_eq!(stored(&repo, "large.json"), large);
        assert!(!stored(&repo, "small.json").contains("\"pos\""));
        std::fs::remove_file(repo.path.join("large.json")).unwrap();
        repo.git(["checkout", "--", "large.json"]);
        assert_eq!(repo.text("large.json"), large);
    }
}

#[test]
fn the_mode_of_each_path_is_kept() {
    for format in Format::all() {
        let repo = Repo::with(format);
        repo.use_filter();
        repo.write(
            ".gitattributes",
            "keep/* comfy=keep\noff/* comfy=off\nminus/* -comfy\n\"quo ted/*\" comfy=off\n",
        );
        let original = workflow(20, 7);
        let folders = ["strip", "keep", "off", "minus", "quo ted"];
        for folder in folders {
            repo.write(format!("{folder}/a.json"), &original);
        }
        repo.git(["add", "."]);
        assert!(!stored(&repo, "strip/a.json").contains("\"pos\""));
        let kept = stored(&repo, "keep/a.json");
        assert!(kept.contains("\"pos\"") && kept != original, "canonical, with positions: {kept}");
        for folder in ["off", "minus", "quo ted"] {
            assert_eq!(stored(&repo, &format!("{folder}/a.json")), original, "{folder}");
        }
        for folder in folders {
            std::fs::remove_dir_all(repo.path.join(folder)).unwrap();
        }
        repo.git(["checkout", "--", "."]);
        for folder in folders {
            assert_eq!(repo.text(format!("{folder}/a.json")), original, "{folder} {format:?}");
        }
    }
}

#[test]
fn the_mode_can_be_set_for_the_repository_and_for_one_command() {
    let repo = Repo::new();
    repo.use_filter();
    let original = workflow(20, 7);
    repo.write("a.json", &original);
    repo.git(["-c", "comfy.mode=off", "add", "a.json"]);
    assert_eq!(stored(&repo, "a.json"), original);
    repo.git(["config", "comfy.mode", "off"]);
    repo.write("b.json", &original);
    repo.git(["add", "b.json"]);
    assert_eq!(stored(&repo, "b.json"), original);
    repo.git(["config", "comfy.mode", "nonsense"]);
    repo.write("c.json", &original);
    let output = repo.try_git(["add", "c.json"]);
    assert!(output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("comfy.mode = nonsense is not understood"), "{told}");
    assert!(!stored(&repo, "c.json").contains("\"pos\""));
}

#[test]
fn switched_off_by_the_environment_everything_passes() {
    let repo = Repo::new();
    repo.use_filter();
    let original = workflow(20, 7);
    repo.write("a.json", &original);
    let mut add = repo.command("git");
    assert!(add.args(["add", "."]).env("GIT_COMFY", "0").status().unwrap().success());
    assert_eq!(stored(&repo, "a.json"), original);
}

#[test]
fn a_workflow_committed_before_there_was_a_filter_is_left_alone() {
    let repo = Repo::new();
    let original = workflow(20, 7);
    repo.write("a.json", &original);
    repo.commit_all("raw");
    repo.use_filter();
    std::fs::remove_file(repo.path.join("a.json")).unwrap();
    repo.git(["checkout", "--", "a.json"]);
    assert_eq!(repo.text("a.json"), original);
}

#[test]
fn line_ends_of_windows_are_no_trouble() {
    for process in [true, false] {
        let repo = Repo::new();
        repo.use_filter();
        if !process {
            repo.git(["config", "--unset", "filter.comfy.process"]);
        }
        repo.git(["config", "core.autocrlf", "true"]);
        repo.git(["config", "core.safecrlf", "false"]);
        let original = workflow(20, 7);
        repo.write("a.json", &original);
        repo.commit_all("one");
        assert!(!repo.blob("HEAD:a.json").contains(&b'\r'));
        std::fs::remove_file(repo.path.join("a.json")).unwrap();
        repo.git(["checkout", "--", "a.json"]);
        assert_eq!(repo.text("a.json"), original);
        assert_eq!(repo.git(["status", "--porcelain"]), "");
    }
}

#[test]
fn paths_of_any_spelling() {
    let mut paths = vec![
        "with space/a b.json".to_owned(),
        "quo\"te/'s.json".to_owned(),
        "über/日本語.json".to_owned(),
        "-dash.json".to_owned(),
        ":(glob)x.json".to_owned(),
    ];
    if cfg!(unix) {
        paths.push("new\nline\tand\\back.json".to_owned());
    }
    for format in Format::all() {
        let repo = Repo::with(format);
        repo.use_filter();
        repo.use_hooks();
        for (n, path) in paths.iter().enumerate() {
            repo.write(path, workflow(1, n as i32));
        }
        repo.commit_all("same content, other places");
        for path in &paths {
            std::fs::remove_file(repo.path.join(path)).unwrap();
        }
        repo.git(["checkout", "--", "."]);
        for (n, path) in paths.iter().enumerate() {
            assert_eq!(repo.text(path), workflow(1, n as i32), "{path} {format:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_path_that_is_no_text() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let repo = Repo::new();
    repo.use_filter();
    repo.use_hooks();
    let path = OsStr::from_bytes(b"\xff\xfe.json");
    repo.write("other.json", workflow(1, 500));
    repo.write(path, workflow(1, 7));
    repo.commit_all("bytes");
    repo.write("other.json", workflow(1, 501));
    repo.commit_all_allowing_nothing();
    std::fs::remove_file(repo.path.join(path)).unwrap();
    repo.git(["checkout", "--", "."]);
    assert_eq!(String::from_utf8(repo.read(path)).unwrap(), workflow(1, 7));
}

#[test]
fn every_git_of_this_machine_is_served() {
    for folder in World::gits() {
        let repo = World::with_git(Some(folder.clone())).repo("repo");
        repo.use_filter();
        repo.use_hooks();
        let original = workflow(20, 7);
        repo.write("a.json", &original);
        repo.commit_all("one");
        std::fs::remove_file(repo.path.join("a.json")).unwrap();
        repo.git(["checkout", "--", "a.json"]);
        assert_eq!(repo.text("a.json"), original, "{}", folder.display());
    }
}

/// Speaks the protocol as no git would: the process must survive it.
#[test]
fn an_unknown_command_does_not_end_the_process() {
    let repo = Repo::new();
    let packet = |text: &[u8]| [format!("{:04x}", text.len() + 4).as_bytes(), text].concat();
    let lines = |lines: &[&[u8]]| {
        let mut bytes: Vec<u8> = lines.iter().flat_map(|line| packet(line)).collect();
        bytes.extend(b"0000");
        bytes
    };
    let content = workflow(20, 7);
    let mut told = lines(&[b"git-filter-client\n", b"version=2\n", b"version=9\n"]);
    told.extend(lines(&[b"capability=clean\n", b"capability=smudge\n", b"capability=dance\n"]));
    told.extend(lines(&[b"command=dance\n", b"pathname=a.json\n"]));
    told.extend(lines(&[b"x"]));
    told.extend(lines(&[b"command=clean\n", b"pathname=a.json\n", b"novel=key\n"]));
    told.extend(lines(&[content.as_bytes()]));
    let output = repo.comfy_with(["filter-process"], &told);
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(answer.contains("status=abort") && answer.contains("status=success"), "{answer}");
    assert!(!answer.contains("\"pos\"") && answer.contains("156680208700286"));
}

#[test]
fn a_checkout_of_many_files_waits_for_none_of_them() {
    let repo = Repo::new();
    repo.use_filter();
    // More than is kept in memory, one that is answered at once, one that is no workflow.
    let padded = |n: u32, length: usize| {
        workflow(n, 3)
            .replace("\"config\":{}", &format!("\"config\":{{\"{}\":1}}", "x".repeat(length)))
    };
    let mut files: Vec<(String, String)> =
        (0..110).map(|n| (format!("{n}.json"), padded(n, 100_000))).collect();
    files.push(("long.json".into(), padded(200, 600_000)));
    files.push(("other.json".into(), "{\"nodes\": 7}\n".into()));
    for (name, content) in &files {
        repo.write(name, content);
    }
    repo.commit_all("many");
    for (name, _) in &files {
        std::fs::remove_file(repo.path.join(name)).unwrap();
    }
    let mut checkout = repo.command("git");
    checkout.args(["checkout", "--", "."]).env("GIT_TRACE_PACKET", "1");
    let output = checkout.stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success());
    let trace = String::from_utf8_lossy(&output.stderr);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let delayed = if cores > 1 { 111 } else { 0 };
    assert_eq!(trace.matches("status=delayed").count(), delayed);
    for (name, content) in &files {
        assert!(repo.text(name) == *content, "{name}");
    }
    assert_eq!(repo.git(["status", "--porcelain"]), "");
}

#[test]
fn files_that_are_added_together_are_stored_as_if_each_were_added_alone() {
    let together = Repo::new();
    let alone = Repo::new();
    let mut names = Vec::new();
    for repo in [&together, &alone] {
        repo.use_filter();
        repo.write(".gitattributes", "*3.json comfy=keep\n*4.json comfy=off\n");
        for n in 0_i32..9 {
            repo.write(format!("{n}.json"), workflow(n.unsigned_abs(), n * 10));
            repo.write(format!("sub/{n}.json"), workflow(n.unsigned_abs() + 20, n));
            names.extend([format!("{n}.json"), format!("sub/{n}.json")]);
        }
        repo.write("2.json", "{\"nodes\": 7}\n");
        repo.write("sub/5.json", workflow(5, 5).replace("\"config\":", "\"config\":1,\"config\":"));
        // One that git does not send although it comes next by name.
        repo.write(".gitignore", "6.json\n");
    }
    names.retain(|name| !name.ends_with("6.json"));
    names.sort();
    names.dedup();
    together.git(["add", "."]);
    for name in &names {
        alone.git(["add", name]);
    }
    for name in &names {
        assert_eq!(stored(&together, name), stored(&alone, name), "{name}");
        let held = together.text(name);
        std::fs::remove_file(together.path.join(name)).unwrap();
        together.git(["checkout", "--", name]);
        assert_eq!(together.text(name), held, "{name}");
    }
}

#[test]
fn nonsense_instead_of_the_protocol_is_an_error_and_no_crash() {
    let repo = Repo::new();
    for input in [&b""[..], b"hello", b"0000", b"ffff", b"0010hello\n0000"] {
        let output = repo.comfy_with(["filter-process"], input);
        assert_eq!(output.status.code(), Some(2), "{input:?}");
    }
}

#[test]
fn all_real_templates_come_back_to_the_byte() {
    let Some(data) = shared_data() else { return };
    let repo = Repo::new();
    repo.use_filter();
    repo.use_hooks();
    // Records are written behind the back of `git fsck`.
    repo.git(["config", "comfy.record", "false"]);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(data.join("templates")).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name());
        std::fs::copy(entry.path(), repo.path.join(entry.file_name())).unwrap();
    }
    assert!(names.len() > 300);
    repo.git(["add", "."]);
    repo.git(["commit", "-q", "-m", "templates"]);
    let subject = repo.git(["log", "-1", "--format=%s", "refs/notes/comfy-layout"]);
    assert!(subject.starts_with("chore(comfy): keep the layouts of "), "{subject}");
    for name in &names {
        std::fs::remove_file(repo.path.join(name)).unwrap();
    }
    let output = repo.command("git").args(["checkout", "--", "."]).stderr(Stdio::piped()).output();
    assert_eq!(String::from_utf8_lossy(&output.unwrap().stderr), "");
    for name in &names {
        let original = std::fs::read(data.join("templates").join(name)).unwrap();
        assert!(repo.read(name) == original, "{}", name.to_string_lossy());
    }
    repo.git(["fsck", "--strict"]);
}

#[test]
fn a_layout_that_cannot_be_kept_fails_the_add_with_the_reason_and_what_to_do() {
    let repo = Repo::new();
    repo.comfy(["init"]);
    repo.write("a.json", workflow(20, 0));
    std::fs::create_dir_all(repo.common_dir().join("comfy/layouts")).unwrap();
    let output = repo.try_git(["add", "a.json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    let clean = repo.comfy_with(["clean", "a.json"], workflow(20, 0).as_bytes());
    assert_eq!((clean.status.code(), clean.stdout.len()), (Some(2), 0));
    for said in [said, String::from_utf8_lossy(&clean.stderr).into_owned()] {
        assert!(said.contains("a.json: its layout cannot be kept: "), "{said}");
        assert!(said.contains("comfy/layouts: ") && said.contains("directory"), "{said}");
        assert!(said.contains("`git comfy init`"), "{said}");
    }
}
