use super::*;
use crate::platform::git::foreign_checkout::Checkout;
use crate::records::{EnvironmentSource, PackFact};
use crate::reproduce::ModelCopy;
use crate::reproduce::requirements::FactSource;

fn digest(hex: char) -> Digest {
    Digest::new(DigestKind::Sha256, &hex.to_string().repeat(64)).unwrap()
}

fn hashes(byte: u8) -> LocalFile {
    let hashes = FileHashes { sha256: [byte; 32], blake3: None, tensors: None, crc32: None };
    LocalFile::Hashed(Box::new(hashes))
}

fn wanted(digests: &[Digest]) -> RequiredModel {
    let what: BTreeSet<Digest> = digests.iter().cloned().collect();
    RequiredModel {
        folder: "loras".into(),
        name: "a.pt".into(),
        nodes: vec!["1".into()],
        digests: (!what.is_empty()).then_some(SourcedFact { value: what, source: FactSource::Run }),
        sizes: BTreeSet::new(),
        sources: BTreeSet::new(),
        is_folder: false,
    }
}

fn model(digests: &[Digest], found: LocalFile, copies: &[(&str, &str)]) -> String {
    let copies = copies.iter().map(|(folder, name)| ModelCopy {
        folder: (*folder).to_owned(),
        name: (*name).to_owned(),
        place: format!("models/{folder}/{name}"),
    });
    let here = LocalModel { found, copies: copies.collect(), remembered: None };
    let check = check_model(&wanted(digests), &here);
    let state = serde_json::to_value(&check.state).unwrap();
    format!("{} {:?}", state["state"].as_str().unwrap(), check.effect())
}

#[test]
fn a_model_is_judged_by_its_bytes() {
    let own = [digest('a')];
    let same = || hashes(0xaa);
    let other = || hashes(0xbb);
    let unread = || LocalFile::Unread("it is being written".into());
    assert_eq!(model(&own, same(), &[]), "same Fine");
    // Several machines may have recorded different files of one name.
    assert_eq!(model(&[digest('b'), digest('a')], same(), &[]), "same Fine");
    assert_eq!(model(&own, other(), &[]), "replaced Blocks");
    assert_eq!(model(&own, other(), &[("loras", "b.pt")]), "renamed Repaired");
    assert_eq!(model(&own, LocalFile::Nothing, &[("vae", "b.pt")]), "misplaced Fixable");
    assert_eq!(model(&own, LocalFile::Nothing, &[]), "missing Blocks");
    assert_eq!(model(&own, unread(), &[]), "unknown Unknown");
    assert_eq!(model(&own, LocalFile::Refused("a link".into()), &[]), "refused Blocks");
    assert_eq!(model(&[], same(), &[]), "unknown Unknown");
    assert_eq!(model(&[], LocalFile::Nothing, &[]), "missing Blocks");
    // A digest of a kind that is not known of the file tells nothing.
    let tensors = Digest::new(DigestKind::AutoV3, "aaaaaaaaaaaa").unwrap();
    assert_eq!(model(&[tensors], same(), &[]), "unknown Unknown");
}

fn git(commit: &str, dirty: bool) -> PackFact {
    let checkout = Checkout {
        commit: Some(commit.into()),
        dirty: Some(dirty),
        remote: Some("https://github.com/o/p".into()),
        ..Checkout::default()
    };
    PackFact { name: "p".into(), kind: PackKind::Git, checkout, ..PackFact::default() }
}

fn release(version: &str) -> PackFact {
    PackFact {
        name: "p".into(),
        kind: PackKind::Registry,
        cnr_id: Some("p-id".into()),
        version: Some(version.into()),
        ..PackFact::default()
    }
}

fn pack(was: PackFact, is: Option<PackFact>) -> String {
    let wanted =
        RequiredPack { fact: was, placed_with: ["1.0".into()].into(), source: FactSource::Run };
    let here = is.map(|fact| LocalPack {
        fact,
        path: "/c/my nodes/p".into(),
        branch: Some("main".into()),
        ..LocalPack::default()
    });
    let check = check_pack(&wanted, here.as_ref());
    let mut state = serde_json::to_value(&check.state).unwrap();
    let word = state["state"].take();
    let lines = ["get", "back"].map(|key| state[key].as_str().unwrap_or("-").to_owned());
    format!("{} {:?} | {}", word.as_str().unwrap(), check.effect(), lines.join(" | "))
}

#[test]
fn a_pack_is_judged_by_commit_release_and_changes() {
    let off = |fact: PackFact| PackFact { disabled: true, ..fact };
    let lines = [
        pack(git("aa", false), Some(git("aa", false))),
        pack(git("aa", false), Some(git("bb", false))),
        pack(git("aa", false), Some(git("aa", true))),
        pack(git("aa", true), Some(git("aa", true))),
        pack(git("aa", false), Some(off(git("aa", false)))),
        pack(git("aa", false), None),
        pack(release("1.2"), Some(release("1.2"))),
        pack(release("1.2"), Some(release("1.3"))),
        pack(release("1.2"), None),
        pack(release("1.2"), Some(git("aa", false))),
        pack(PackFact { name: "p".into(), ..PackFact::default() }, Some(release("1.3"))),
        pack(PackFact { name: "p".into(), ..PackFact::default() }, None),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r"
    same Fine | - | -
    other Fixable | git -C '/c/my nodes/p' fetch && git -C '/c/my nodes/p' checkout aa | git -C '/c/my nodes/p' checkout main
    dirty Fixable | git -C '/c/my nodes/p' stash | git -C '/c/my nodes/p' stash pop
    unknown Unknown | - | -
    disabled Fixable | - | -
    missing Blocks | git clone https://github.com/o/p custom_nodes/p && git -C custom_nodes/p checkout aa | -
    same Fine | - | -
    other Fixable | comfy node registry-install p-id --version 1.2 | comfy node registry-install p-id --version 1.3
    missing Blocks | comfy node registry-install p-id --version 1.2 | -
    unknown Unknown | - | -
    unknown Unknown | - | -
    missing Blocks | - | -
    ");
}

#[test]
fn what_it_runs_on_is_compared_where_both_are_known() {
    let was = ComfyEnvironment {
        comfyui: Some("0.33.0".into()),
        source: Some(Checkout { commit: Some("aa".into()), ..Checkout::default() }),
        torch: Some("2.7.0+cu128".into()),
        devices: vec!["RTX 4090".into()],
        flags: vec!["--fp32-text-enc".into()],
        from: Some(EnvironmentSource::Server),
        ..ComfyEnvironment::default()
    };
    let is = ComfyEnvironment {
        source: Some(Checkout { commit: Some("bb".into()), ..Checkout::default() }),
        torch: Some("2.9.0+cu130".into()),
        flags: Vec::new(),
        python: Some("3.12.4".into()),
        ..was.clone()
    };
    let here = LocalMachine {
        environment: is,
        source: Some("/c/ComfyUI".into()),
        branch: Some("master".into()),
        ..LocalMachine::default()
    };
    let fact = SourcedFact { value: was, source: FactSource::Run };
    let told = |part: &EnvironmentPartCheck| {
        format!("{:?} {:?} {:?}", part.part, part.state, part.effect())
    };
    let lines: Vec<String> = check_environment(Some(&fact), &here).iter().map(told).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    Comfyui Other { get: Some("git -C /c/ComfyUI fetch && git -C /c/ComfyUI checkout aa"), back: Some("git -C /c/ComfyUI checkout master") } Differs
    Python Unknown Unknown
    Torch Other { get: None, back: None } Differs
    Device Same Fine
    Flags Other { get: None, back: None } Differs
    "#);
    // A lock asks for nothing that it does not name.
    let fact = SourcedFact { value: ComfyEnvironment::default(), source: FactSource::Lock };
    assert!(check_environment(Some(&fact), &here).is_empty());
}

#[test]
fn the_gravest_finding_is_the_verdict() {
    let model = |digests: &[Digest]| wanted(digests);
    let verdict = |found: LocalFile, has_comfyui: bool| {
        let wanted =
            Requirements { models: vec![model(&[digest('a')])], ..Requirements::default() };
        let comfyui = ComfyEnvironment { comfyui: Some("1".into()), ..ComfyEnvironment::default() };
        let wanted = Requirements {
            environment: Some(SourcedFact { value: comfyui.clone(), source: FactSource::Run }),
            ..wanted
        };
        let here = LocalMachine {
            has_comfyui,
            environment: comfyui,
            models: vec![LocalModel { found, ..LocalModel::default() }],
            ..LocalMachine::default()
        };
        check_requirements(&wanted, &here).verdict
    };
    assert_eq!(verdict(hashes(0xaa), true), ReproductionVerdict::Same);
    assert_eq!(verdict(hashes(0xaa), false), ReproductionVerdict::NotHere);
    assert_eq!(verdict(LocalFile::Unread("x".into()), true), ReproductionVerdict::Repairable);
    assert_eq!(verdict(LocalFile::Nothing, true), ReproductionVerdict::NotHere);
}
