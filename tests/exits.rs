//! Exit codes are a protocol: git and scripts act on them.

use crate::support::World;

fn code(arguments: &[&str]) -> Option<i32> {
    let world = World::new();
    world.command(crate::support::GIT_COMFY).args(arguments).output().unwrap().status.code()
}

#[test]
fn help_and_version_are_no_failures() {
    assert_eq!(code(&["--version"]), Some(0));
    assert_eq!(code(&["--help"]), Some(0));
    assert_eq!(code(&["init", "-h"]), Some(0));
}

#[test]
fn a_call_that_is_not_understood_leaves_with_2() {
    assert_eq!(code(&[]), Some(2));
    assert_eq!(code(&["no-such-command"]), Some(2));
    assert_eq!(code(&["init", "--no-such-option"]), Some(2));
}

/// git takes 1 to 128 of a merge driver for "conflicts, ours kept".
#[test]
fn a_merge_driver_never_fails_below_129() {
    assert_eq!(code(&["merge-driver", "--no-such-option"]), Some(129));
    assert_eq!(code(&["-C", "/nowhere", "merge-driver", "a", "b", "c"]), Some(129));
}
