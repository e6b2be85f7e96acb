//! What must hold of every merge, on generated edits and on real files.

use git_comfy::graph::Unnamed;
use git_comfy::json::Value;
use git_comfy::merge::{Merged, Options, Strategies, merge};

use crate::data::{documents, name};

fn merged(base: &Value, ours: &Value, theirs: &Value) -> Merged {
    let strategies = Strategies::default();
    merge(Some(base), ours, theirs, Options { strategies: &strategies, naming: &Unnamed })
}

#[test]
fn explore() {
    let edits = documents("edits");
    let edits: Vec<_> = edits.into_iter().filter(|(f, _)| name(f) != "JOURNAL.json").collect();
    let mut clean = 0;
    let mut conflicted = 0;
    let mut doubted = 0;
    for (bn, b) in &edits {
        for (on, o) in &edits {
            for (tn, t) in &edits {
                let m = merged(b, o, t);
                if !m.doubts.is_empty() {
                    doubted += 1;
                    if doubted < 12 {
                        println!("{} {} {}: {}", name(bn), name(on), name(tn),
                            m.doubts.iter().map(|d| d.to_string()).collect::<Vec<_>>().join("; "));
                    }
                } else if m.conflicts.is_empty() {
                    clean += 1;
                } else {
                    conflicted += 1;
                }
            }
        }
    }
    println!("clean {clean} conflicted {conflicted} doubted {doubted}");
}
