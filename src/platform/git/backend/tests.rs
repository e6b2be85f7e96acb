//! The same questions to both backends, and to git itself as the referee.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{AttributeDirection, AttributeState, HistoryWalk, RefSwap, WalkOrder};
use crate::platform::git::notes::{NoteEdit, NotesRevision, NotesTree, RefUpdate, update_ref};
use crate::platform::git::repository::{BackendChoice, RepositoryLocation};
use crate::platform::git::{
    Commit, CommitId, EntryKind, GitEnvironment, ObjectBatch, ObjectFormat, ObjectId, ObjectKind,
    RefName, RepoPath, Repository, TreeEntry,
};
use crate::sharing;

struct Ground {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Ground {
    /// A repository of that format; `None` where this git cannot make one.
    fn new(arguments: &[&str]) -> Option<Ground> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("repo");
        std::fs::create_dir(&path).unwrap();
        let ground = Ground { _folder: folder, path };
        let mut init = vec!["init", "-q", "-b", "main"];
        init.extend(arguments);
        ground.try_git(&init)?;
        for (name, value) in [("user.name", "A Person"), ("user.email", "a@example.com")] {
            ground.git(&["config", name, value]);
        }
        Some(ground)
    }

    fn try_git(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(&self.path)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", self.path.join("none"))
            .output()
            .unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[track_caller]
    fn git(&self, arguments: &[&str]) -> String {
        self.try_git(arguments).unwrap_or_else(|| panic!("git {arguments:?} failed"))
    }

    fn open(&self, way: BackendChoice) -> Repository {
        let place = RepositoryLocation::Folder(self.path.clone());
        Repository::open(&place, GitEnvironment::default(), way).unwrap()
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.path.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

/// Every kind of repository through every backend that can read it.
fn everywhere(check: impl Fn(&Ground, &Repository)) {
    let kinds: [&[&str]; 3] = [&[], &["--object-format=sha256"], &["--ref-format=reftable"]];
    for arguments in kinds {
        for way in [BackendChoice::Best, BackendChoice::Plumbing] {
            if let Some(ground) = Ground::new(arguments) {
                check(&ground, &ground.open(way));
            }
        }
    }
}

fn id(hex: &str) -> ObjectId {
    ObjectId::from_hex(hex.trim().as_bytes()).unwrap()
}

fn commit(
    repository: &Repository,
    batch: &mut ObjectBatch,
    parents: &[CommitId],
    time: i64,
) -> CommitId {
    let blob = batch.add_blob(format!("{time}\n").into_bytes());
    let entry = TreeEntry { kind: EntryKind::File, name: b"a".to_vec(), id: blob };
    let tree = batch.add_tree(&[entry]);
    let mut person = repository.committer().unwrap();
    person.seconds = time;
    batch.add_commit(&Commit {
        tree,
        parents: parents.to_vec(),
        author: person.clone(),
        committer: person,
        message: format!("at {time}\n").into_bytes(),
    })
}

#[test]
fn places_are_where_git_says() {
    everywhere(|ground, repository| {
        let real = |path: &Path| path.canonicalize().unwrap();
        assert_eq!(real(repository.work_tree().unwrap()), real(&ground.path));
        assert_eq!(real(repository.git_dir()), real(&ground.path.join(".git")));
        assert_eq!(real(repository.common_dir()), real(&ground.path.join(".git")));
        let format = ground.git(&["rev-parse", "--show-object-format"]);
        assert_eq!(Some(repository.format()), ObjectFormat::from_name(format.trim()));
        assert_eq!(repository.head().unwrap(), None);
    });
}

#[test]
fn objects_are_written_few_and_many_and_read_again() {
    everywhere(|ground, repository| {
        for count in [3, 250] {
            let mut batch = ObjectBatch::new(repository.format());
            let texts: Vec<_> = (0..count).map(|n| format!("{n}\n").repeat(n + 1)).collect();
            let ids: Vec<_> =
                texts.iter().map(|t| batch.add_blob(t.clone().into_bytes())).collect();
            repository.write_objects(&batch).unwrap();
            for (id, text) in ids.iter().zip(&texts) {
                assert!(repository.contains(*id).unwrap());
                assert_eq!(repository.blob(*id).unwrap().unwrap(), text.as_bytes());
            }
            assert_eq!(ground.git(&["cat-file", "blob", &ids[1].to_hex()]), texts[1]);
            assert_eq!(repository.blob_up_to(ids[2], 3).unwrap(), None);
        }
        ground.git(&["fsck", "--strict"]);
        let missing = repository.format().object_id(ObjectKind::Blob, b"never written");
        assert_eq!(repository.blob(missing).unwrap(), None);
        assert!(!repository.contains(missing).unwrap());
    });
}

#[test]
fn revisions_trees_and_commits_are_read() {
    everywhere(|ground, repository| {
        ground.write("folder/file.json", "x");
        ground.write("run.sh", "y");
        ground.git(&["add", "."]);
        ground.git(&["commit", "-q", "-m", "subject\n\nbody"]);
        ground.git(&["tag", "-a", "-m", "t", "v1"]);
        let head = repository.head().unwrap().unwrap();
        assert_eq!(head.to_string(), ground.git(&["rev-parse", "HEAD"]).trim());
        assert_eq!(repository.resolve_commit("v1").unwrap(), Some(head));
        assert_eq!(repository.resolve("no-such-thing").unwrap(), None);
        assert_eq!(repository.resolve("HEAD:none").unwrap(), None);
        let read = repository.commit(head).unwrap().unwrap();
        assert_eq!(read.subject(), "subject");
        assert_eq!(read.author.name, "A Person");
        let path = RepoPath::new("folder/file.json");
        let entry = repository.entry_at(read.tree, &path).unwrap().unwrap();
        assert_eq!(entry.id, id(&ground.git(&["rev-parse", "HEAD:folder/file.json"])));
        let nothing = RepoPath::new("run.sh/file.json");
        assert_eq!(repository.entry_at(read.tree, &nothing).unwrap(), None);
        let mut files = Vec::new();
        repository.visit_files(read.tree, &mut |path, _| files.push(path.to_string())).unwrap();
        assert_eq!(files, ["folder/file.json", "run.sh"]);
    });
}

#[test]
fn a_ref_moves_only_from_where_it_is_believed_to_be() {
    everywhere(|ground, repository| {
        let name = RefName::new("refs/notes/comfy-layout");
        let mut batch = ObjectBatch::new(repository.format());
        let one = commit(repository, &mut batch, &[], 1).0;
        let two = commit(repository, &mut batch, &[], 2).0;
        repository.write_objects(&batch).unwrap();
        let swap = |expected, new| repository.swap_ref(&name, expected, new, "why").unwrap();
        assert_eq!(repository.reference(&name).unwrap(), None);
        assert_eq!(swap(Some(two), Some(one)), RefSwap::Raced, "it is not there");
        assert_eq!(swap(None, Some(one)), RefSwap::Done);
        assert_eq!(swap(None, Some(two)), RefSwap::Raced, "it is there already");
        assert_eq!(swap(Some(two), Some(one)), RefSwap::Raced, "it is elsewhere");
        assert_eq!(swap(Some(one), Some(two)), RefSwap::Done);
        assert_eq!(repository.reference(&name).unwrap(), Some(two));
        assert_eq!(ground.git(&["rev-parse", name.as_str()]).trim(), two.to_hex());
        ground.git(&["pack-refs", "--all"]);
        assert_eq!(swap(Some(two), Some(one)), RefSwap::Done);
        let other = RefName::new("refs/notes/remotes/o/comfy");
        repository.swap_ref(&other, None, Some(two), "why").unwrap();
        let listed = repository.references("refs/notes/").unwrap();
        assert_eq!(listed, [(name.clone(), one), (other.clone(), two)]);
        assert_eq!(repository.references("refs/notes/remotes/").unwrap(), [(other, two)]);
        assert_eq!(swap(Some(two), None), RefSwap::Raced);
        assert_eq!(swap(Some(one), None), RefSwap::Done);
        assert_eq!(repository.reference(&name).unwrap(), None);
    });
}

#[test]
fn history_is_walked_in_order() {
    everywhere(|_, repository| {
        let mut batch = ObjectBatch::new(repository.format());
        let root = commit(repository, &mut batch, &[], 1);
        let left = commit(repository, &mut batch, &[root], 5);
        let right = commit(repository, &mut batch, &[root], 3);
        let top = commit(repository, &mut batch, &[left, right], 7);
        repository.write_objects(&batch).unwrap();
        let walk = |from: &[CommitId], without: &[CommitId], order| -> Vec<_> {
            let walk = HistoryWalk { from: from.to_vec(), exclude: without.to_vec(), order };
            repository.walk_history(&walk).unwrap().map(Result::unwrap).collect()
        };
        let newest = walk(&[top], &[], WalkOrder::Newest);
        assert_eq!((newest.len(), newest[0], newest[3]), (4, top, root));
        let oldest = walk(&[top], &[], WalkOrder::Oldest);
        assert_eq!((oldest[0], oldest[3]), (root, top));
        assert_eq!(walk(&[top], &[right], WalkOrder::Newest), [top, left]);
        for (ancestor, commit, answer) in
            [(root, top, true), (top, top, true), (left, right, false), (top, root, false)]
        {
            assert_eq!(repository.is_ancestor(ancestor, commit).unwrap(), answer);
            let base = if answer { ancestor } else { root };
            assert_eq!(repository.merge_base(ancestor, commit).unwrap(), Some(base));
        }
    });
}

#[test]
fn the_log_of_head_tells_what_was_done_last() {
    everywhere(|ground, repository| {
        assert_eq!(repository.last_reflog_message().unwrap(), "");
        ground.write("a.json", "{}");
        ground.git(&["add", "."]);
        ground.git(&["commit", "-q", "-m", "first"]);
        assert_eq!(repository.last_reflog_message().unwrap(), "commit (initial): first");
        ground.git(&["commit", "-q", "--amend", "-m", "again"]);
        assert_eq!(repository.last_reflog_message().unwrap(), "commit (amend): again");
    });
}

#[test]
fn attributes_and_settings_are_gits() {
    everywhere(|ground, repository| {
        ground.write(
            ".gitattributes",
            "*.json comfy=keep\nno.json -comfy\nset.json comfy\n\"sp ace.json\" comfy=off\n",
        );
        let asked = |path: &str| {
            let path = RepoPath::new(path);
            repository.attribute(&path, "comfy", AttributeDirection::Checkin).unwrap()
        };
        assert_eq!(asked("deep/a.json"), AttributeState::Value("keep".into()));
        assert_eq!(asked("no.json"), AttributeState::Unset);
        assert_eq!(asked("set.json"), AttributeState::Set);
        assert_eq!(asked("sp ace.json"), AttributeState::Value("off".into()));
        assert_eq!(asked("a.txt"), AttributeState::Unspecified);
        let out =
            repository.attribute(&RepoPath::new("a.json"), "comfy", AttributeDirection::Checkout);
        assert_eq!(out.unwrap(), AttributeState::Value("keep".into()));
        ground.git(&["config", "comfy.maxFileSize", "5k"]);
        ground.git(&["config", "--add", "remote.My.Fork.url", "x"]);
        assert!(repository.settings("comfyx.").unwrap().is_empty());
        let settings = repository.settings("comfy.").unwrap();
        assert_eq!(settings, [("comfy.maxfilesize".to_owned(), "5k".to_owned())]);
        let remotes = sharing::remote_names(repository).unwrap();
        assert_eq!(remotes, ["My.Fork"]);
    });
}

/// Random notes, set and removed in rounds, held against a plain map and against git.
#[test]
fn notes_are_what_git_reads_in_any_number() {
    everywhere(|ground, repository| {
        let name = RefName::new("refs/notes/test");
        let mut model: BTreeMap<ObjectId, ObjectId> = BTreeMap::new();
        let mut before = None;
        for (round, count) in [1_u32, 40, 90, 300, 5].into_iter().enumerate() {
            let mut edits: BTreeMap<ObjectId, String> = BTreeMap::new();
            for n in 0..count {
                let about = repository.format().object_id(ObjectKind::Blob, &n.to_be_bytes());
                edits.insert(about, format!("round {round} note {n}\n"));
            }
            let gone: Vec<_> = model.keys().copied().step_by(7).collect();
            let (_, tip) = update_ref(repository, &name, |tip, batch| {
                let notes = NotesTree::load(repository, tip)?;
                let mut wanted = BTreeMap::new();
                for about in &gone {
                    wanted.insert(*about, NoteEdit::Remove);
                }
                for (about, text) in &edits {
                    wanted.insert(*about, NoteEdit::Set(batch.add_blob(text.clone().into_bytes())));
                }
                let tree = notes.write_edits(&wanted, batch)?;
                Ok(RefUpdate::Commit(NotesRevision { tree, merged: vec![], subject: "x".into() }))
            })
            .unwrap();
            let older = NotesTree::load(repository, before).unwrap();
            let newer = NotesTree::load(repository, tip).unwrap();
            let known = model.clone();
            for about in &gone {
                model.remove(about);
            }
            for (about, text) in &edits {
                model.insert(
                    *about,
                    repository.format().object_id(ObjectKind::Blob, text.as_bytes()),
                );
            }
            for (about, note) in &model {
                assert_eq!(newer.notes_for(*about).unwrap(), [*note]);
            }
            for difference in newer.changes_since(&older).unwrap() {
                assert_eq!(difference.before, known.get(&difference.about).copied());
                assert_eq!(difference.after, model.get(&difference.about).copied());
                assert_ne!(difference.before, difference.after);
            }
            let listed = ground.git(&["notes", "--ref=test", "list"]);
            let listed: BTreeMap<_, _> = listed
                .lines()
                .filter_map(|line| line.split_once(' '))
                .map(|(note, about)| (id(about), id(note)))
                .collect();
            assert_eq!(listed, model);
            before = tip;
        }
        // git goes on from there, in its own spread, and so do we.
        let about = model.keys().next().unwrap().to_hex();
        ground.write("note", "from git\n");
        ground.git(&["notes", "--ref=test", "add", "-f", "-F", "note", &about]);
        let tip = repository.reference(&name).unwrap().map(CommitId);
        let notes = NotesTree::load(repository, tip).unwrap();
        let note = notes.notes_for(id(&about)).unwrap();
        assert_eq!(repository.blob(note[0]).unwrap().unwrap(), b"from git\n");
        ground.git(&["fsck", "--strict"]);
    });
}

#[test]
fn two_that_move_one_ref_both_get_through() {
    everywhere(|ground, _| {
        let name = RefName::new("refs/notes/race");
        const EACH: u8 = 6;
        std::thread::scope(|scope| {
            for side in 0..2_u8 {
                let name = &name;
                let repository = move || ground.open(BackendChoice::Best);
                scope.spawn(move || {
                    let repository = repository();
                    for n in 0..EACH {
                        let about = repository.format().object_id(ObjectKind::Blob, &[side, n]);
                        update_ref(&repository, name, |tip, batch| {
                            let note = batch.add_blob(vec![side, n]);
                            let edits = BTreeMap::from([(about, NoteEdit::Set(note))]);
                            let tree =
                                NotesTree::load(&repository, tip)?.write_edits(&edits, batch)?;
                            Ok(RefUpdate::Commit(NotesRevision {
                                tree,
                                merged: vec![],
                                subject: "x".into(),
                            }))
                        })
                        .unwrap();
                    }
                });
            }
        });
        let listed = ground.git(&["notes", "--ref=race", "list"]);
        assert_eq!(listed.lines().count(), 2 * usize::from(EACH));
    });
}
