use std::fs;
use std::ops::ControlFlow;

use proptest::prelude::*;
use sha2::Digest as _;

use super::*;
use crate::platform::machine::DigestKind;
use crate::platform::machine::safetensors::tests::file_bytes;

/// A moment at which files just written count as settled.
fn later() -> SystemTime {
    SystemTime::now() + SETTLING_TIME * 2
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn hash(path: &Path, threads: HashThreads) -> Result<HashedFile, HashError> {
    hash_file(path, DigestSelection::All, threads, later(), &NoHashProgress)
}

#[test]
fn the_digests_are_the_known_ones() {
    let folder = tempfile::tempdir().unwrap();
    let hashes = hash(&write(folder.path(), "abc.pt", b"abc"), HashThreads::One).unwrap().hashes;
    let digest = |kind| hashes.digest(kind).map(|digest| digest.hex().to_owned());
    insta::assert_debug_snapshot!(
        [
            digest(DigestKind::Sha256), digest(DigestKind::Blake3), digest(DigestKind::AutoV2),
            digest(DigestKind::AutoV3), digest(DigestKind::Crc32),
        ],
        @r#"
    [
        Some(
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        Some(
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
        ),
        Some(
            "ba7816bf8f",
        ),
        None,
        Some(
            "352441c2",
        ),
    ]
    "#
    );
}

#[test]
fn autov3_is_the_sha256_of_the_tensors_alone() {
    let folder = tempfile::tempdir().unwrap();
    let tensor: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let metadata = serde_json::json!({"modelspec.title": "A"});
    let path = write(folder.path(), "a.safetensors", &file_bytes(&metadata, &tensor));
    let hashed = hash(&path, HashThreads::Pipeline).unwrap();
    let expected: [u8; 32] = sha2::Sha256::digest(&tensor).into();
    assert_eq!(hashed.hashes.tensors, Some(expected));
    assert_eq!(hashed.header.unwrap().identity["modelspec.title"], "A");
}

#[test]
fn a_file_written_a_moment_ago_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.pt", b"abc");
    let now = fs::metadata(&path).unwrap().modified().unwrap() + SETTLING_TIME / 2;
    let result = hash_file(&path, DigestSelection::All, HashThreads::One, now, &NoHashProgress);
    assert!(matches!(
        result,
        Err(HashError::Unfinished { why: UnfinishedReason::JustWritten, .. })
    ));
}

#[test]
fn a_file_that_grows_while_it_is_read_is_not_hashed() {
    /// Appends one byte after the first block.
    struct Grow(PathBuf, AtomicUsize);
    impl HashProgress for Grow {
        fn bytes_read(&self, _file: usize, _bytes: u64) -> ControlFlow<()> {
            if self.1.fetch_add(1, Ordering::Relaxed) == 0 {
                let mut file = fs::OpenOptions::new().append(true).open(&self.0).unwrap();
                std::io::Write::write_all(&mut file, b"x").unwrap();
            }
            ControlFlow::Continue(())
        }
    }
    for threads in [HashThreads::One, HashThreads::Pipeline] {
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), "a.pt", &vec![1; 2 << 20]);
        let grow = Grow(path.clone(), AtomicUsize::new(0));
        let result = hash_file(&path, DigestSelection::All, threads, later(), &grow);
        assert!(matches!(
            result,
            Err(HashError::Unfinished { why: UnfinishedReason::Changed, .. })
        ));
    }
}

#[test]
fn downloads_under_way_and_cut_files_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.pt", b"abc");
    write(folder.path(), "a.pt.aria2", b"");
    assert!(matches!(
        hash(&path, HashThreads::One),
        Err(HashError::Unfinished { why: UnfinishedReason::Download(name), .. }) if name == "a.pt.aria2"
    ));
    let bytes = file_bytes(&serde_json::json!({}), &[7; 1000]);
    let cut = write(folder.path(), "cut.safetensors", &bytes[..bytes.len() - 1]);
    assert!(matches!(
        hash(&cut, HashThreads::One),
        Err(HashError::Unfinished { why: UnfinishedReason::Length { .. }, .. })
    ));
}

#[test]
fn only_ordinary_files_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(hash(folder.path(), HashThreads::One), Err(HashError::NotAFile(_))));
    assert!(matches!(
        hash(&folder.path().join("gone.pt"), HashThreads::One),
        Err(HashError::Io { .. })
    ));
    #[cfg(unix)]
    {
        let pipe = folder.path().join("pipe.safetensors");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert!(matches!(hash(&pipe, HashThreads::One), Err(HashError::NotAFile(_))));
        assert!(matches!(
            hash(Path::new("/dev/zero"), HashThreads::One),
            Err(HashError::NotAFile(_))
        ));
    }
}

#[test]
fn stopping_stops() {
    struct Stop;
    impl HashProgress for Stop {
        fn bytes_read(&self, _file: usize, _bytes: u64) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.pt", &vec![1; 20 << 20]);
    for threads in [HashThreads::One, HashThreads::Pipeline] {
        let result = hash_file(&path, DigestSelection::All, threads, later(), &Stop);
        assert!(matches!(result, Err(HashError::Stopped)));
    }
}

#[test]
fn several_files_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths: Vec<PathBuf> = (0..7u8)
        .map(|n| write(folder.path(), &format!("{n}.pt"), &vec![n; 100_000 * usize::from(n)]))
        .collect();
    paths.insert(3, folder.path().join("missing.pt"));
    let now = || later();
    let results = hash_files(&paths, DigestSelection::All, 2, &now, &NoHashProgress);
    for (path, result) in paths.iter().zip(&results) {
        match fs::read(path) {
            Ok(bytes) => {
                let sha256: [u8; 32] = sha2::Sha256::digest(&bytes).into();
                assert_eq!(result.as_ref().unwrap().hashes.sha256, sha256);
            }
            Err(_) => assert!(matches!(result, Err(HashError::Io { .. }))),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// However the work is split, the digests are those of the bytes.
    #[test]
    fn every_way_of_hashing_gives_the_same(length in 0usize..3_000_000, seed: u8, named: bool) {
        let folder = tempfile::tempdir().unwrap();
        let tensor: Vec<u8> = (0..length).map(|n| (n as u8).wrapping_mul(31) ^ seed).collect();
        let header = serde_json::json!({});
        let bytes = if named { file_bytes(&header, &tensor) } else { tensor.clone() };
        let name = if named { "x.safetensors" } else { "x.ckpt" };
        let path = write(folder.path(), name, &bytes);
        let one = hash(&path, HashThreads::One).unwrap();
        let two = hash(&path, HashThreads::Pipeline).unwrap();
        prop_assert_eq!(&one, &two);
        let sha256: [u8; 32] = sha2::Sha256::digest(&bytes).into();
        prop_assert_eq!(one.hashes.sha256, sha256);
        prop_assert_eq!(one.hashes.blake3, Some(blake3::hash(&bytes).into()));
        prop_assert_eq!(one.hashes.crc32, Some(crc32fast::hash(&bytes)));
        prop_assert_eq!(one.hashes.tensors.is_some(), named);
        let selection = DigestSelection::Sha256;
        let only =
            hash_file(&path, selection, HashThreads::One, later(), &NoHashProgress).unwrap();
        prop_assert_eq!(only.hashes.sha256, sha256);
    }
}
