//! Random walks, and the search for the fewest steps of one that fails.
//!
//! One walk again: `TOGETHER_SEED=7 TOGETHER_STEPS=50 cargo test people_who_work`.

use super::walk::{Plan, Walk};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// One walk of these steps. Each is drawn by itself, so that one can be left out and the
/// others stay what they are.
fn walk(seed: u64, steps: &[u64], plan: Plan) {
    let mut walk = Walk::new(seed, plan);
    for (at, step) in steps.iter().enumerate() {
        walk.step(*step, plan);
        if at % 100 == 99 {
            walk.settle();
        }
    }
    walk.settle();
    walk.sound();
}

/// Walks of these seeds, or the one that was asked for.
fn walks(seeds: std::ops::Range<u64>, steps: u64, plan: Plan) {
    let steps: Vec<u64> = asked_steps().unwrap_or_else(|| (0..steps).collect());
    match number("TOGETHER_SEED") {
        Some(seed) => walk(seed, &steps, plan),
        None => seeds.for_each(|seed| walk(seed, &steps, plan)),
    }
}

/// `TOGETHER_STEPS` is how many, or those between commas.
fn asked_steps() -> Option<Vec<u64>> {
    let asked = std::env::var("TOGETHER_STEPS").ok()?;
    if !asked.contains(',') {
        return asked.parse().ok().map(|steps| (0..steps).collect());
    }
    Some(asked.split(',').filter_map(|step| step.parse().ok()).collect())
}

/// The fewest steps of a walk that still fails: `TOGETHER_SEED` and `TOGETHER_STEPS` name
/// it, `TOGETHER_RAW=1` that somebody commits positions, `TOGETHER_KILLS=1` that commands are killed,
/// `TOGETHER_QUIET=1` that drags are no change for git, `TOGETHER_LIKE` what it must say.
#[test]
#[ignore = "for a walk that failed"]
fn the_fewest_steps_that_fail() {
    let (Some(seed), Some(mut steps)) = (number("TOGETHER_SEED"), asked_steps()) else { return };
    let plan = Plan {
        people: 3,
        kills: number("TOGETHER_KILLS").is_some(),
        raw: number("TOGETHER_RAW").is_some(),
        quiet: number("TOGETHER_QUIET").is_some(),
    };
    let like = std::env::var("TOGETHER_LIKE").unwrap_or_default();
    let fails = |steps: &[u64]| {
        let failure = std::panic::catch_unwind(|| walk(seed, steps, plan)).err();
        let told = failure.and_then(|failure| failure.downcast::<String>().ok());
        told.is_some_and(|told| told.contains(&like))
    };
    assert!(fails(&steps), "it does not fail");
    let mut length = steps.len().div_ceil(2);
    while length > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + length).min(steps.len()));
            if fails(&fewer) {
                steps = fewer;
            } else {
                at += length;
            }
        }
        length /= 2;
    }
    let steps: Vec<String> = steps.iter().map(u64::to_string).collect();
    eprintln!("\nTHE FEWEST: TOGETHER_SEED={seed} TOGETHER_STEPS={},", steps.join(","));
    walk(seed, &steps.iter().filter_map(|s| s.parse().ok()).collect::<Vec<u64>>(), plan);
}

#[test]
fn one_person_alone_never_loses_a_place() {
    walks(0..2, 50, Plan { people: 1, kills: false, raw: false, quiet: false });
}

#[test]
fn people_who_work_together_never_lose_a_place() {
    walks(10..14, 50, Plan { people: 3, kills: false, raw: false, quiet: false });
}

#[test]
fn people_whose_commands_are_killed_never_lose_a_place() {
    walks(20..22, 50, Plan { people: 3, kills: true, raw: false, quiet: false });
}

#[test]
fn people_among_whom_somebody_commits_positions_never_lose_a_place() {
    walks(30..32, 50, Plan { people: 3, kills: false, raw: true, quiet: false });
}

#[test]
fn people_whose_drags_are_no_change_for_git_never_lose_a_place() {
    walks(40..42, 50, Plan { people: 3, kills: false, raw: false, quiet: true });
}

/// The same for long: minutes to hours.
#[test]
#[ignore = "20,000 steps"]
fn people_who_work_together_for_long_never_lose_a_place() {
    let seeds = number("TOGETHER_SEED").map_or(1000..1100, |seed| seed..seed + 1);
    for seed in seeds {
        walks(
            seed..seed + 1,
            200,
            Plan { people: 3, kills: true, raw: seed % 2 == 1, quiet: seed % 3 == 2 },
        );
    }
}
