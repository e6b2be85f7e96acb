//! What runs and what waits at the server, seen by the watcher: a server that dies in the
//! middle, queues of any length, other clients, clocks that disagree, kills at any moment.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::comfy::Comfy;
use crate::support::outputs::{Picture, entry};
use crate::support::{GIT_COMFY, Repo};
use crate::watch::{AT, generate, id, recorded, repo, watch};

fn shown(repo: &Repo, run: &str) -> Value {
    serde_json::from_str(&repo.comfy(["runs", "show", "--json", run])).unwrap()
}

#[test]
fn a_run_whose_server_dies_is_recorded_all_the_same() {
    for comfy in [Comfy::new(), Comfy::old()] {
        let repo = repo();
        let what = entry(&id(7), AT, 7, "a fox", &[]);
        let mut child = watch(&repo, &comfy, usize::MAX);
        comfy.wait_for_clients(1);
        comfy.runs(Some(&what));
        comfy.tell(1, 2);
        // The next look comes when the last one is done.
        let so_far = comfy.asked().len();
        comfy.wait_for_questions(so_far + 8);
        // Both die, and nobody saw the end.
        child.kill().unwrap();
        child.wait().unwrap();
        comfy.stop();
        assert_eq!(repo.comfy(["watch", "--once", "--server", &comfy.address()]), "nothing new\n");
        comfy.start();
        let told = repo.comfy(["watch", "--once", "--server", &comfy.address()]);
        assert_eq!(told, "1 run recorded\n");
        let run = shown(&repo, &id(7));
        assert_eq!((&run["outcome"], &run["known"]), (&json!("unknown"), &json!(["queue"])));
        assert_eq!(run["seeds"][0]["value"], 7);
        assert!(repo.comfy(["runs", "show", &id(7)]).contains("its end was not seen"));
        assert_eq!(repo.comfy(["watch", "--once", "--server", &comfy.address()]), "nothing new\n");
        // It can be restored, and what turns up later completes it.
        repo.comfy(["restore", &id(7)]);
        comfy.add(&id(7), what);
        let file = repo.world.path("history.json");
        let history = json!({ id(7): entry(&id(7), AT, 7, "a fox", &["late.png"]) });
        std::fs::write(&file, history.to_string()).unwrap();
        repo.comfy(["runs", "import", file.to_str().unwrap()]);
        assert_eq!(shown(&repo, &id(7))["outcome"], "success");
        assert_eq!(recorded(&repo).len(), 1);
    }
}

#[test]
fn a_run_that_is_seen_to_run_and_ends_is_one_run() {
    for comfy in [Comfy::new(), Comfy::old()] {
        let repo = repo();
        let mut child = watch(&repo, &comfy, 1);
        comfy.wait_for_clients(1);
        comfy.runs(Some(&entry(&id(1), AT, 1, "a fox", &[])));
        comfy.tell(1, 1);
        let so_far = comfy.asked().len();
        comfy.wait_for_questions(so_far + 8);
        generate(&repo, &comfy, 1);
        comfy.runs(None);
        comfy.tell(0, 1);
        assert!(child.wait().unwrap().success());
        let run = shown(&repo, &id(1));
        assert_eq!((&run["outcome"], &run["known"]), (&json!("success"), &json!(["history"])));
        // A queue that is emptied leaves nothing to tell.
        assert_eq!(repo.comfy(["watch", "--once", "--server", &comfy.address()]), "nothing new\n");
    }
}

#[test]
fn ten_thousand_prompts_that_wait_are_no_burden() {
    const WAIT: usize = 10_000;
    const END: usize = 300;
    for comfy in [Comfy::new(), Comfy::old()] {
        let repo = repo();
        let mut child = watch(&repo, &comfy, END);
        comfy.wait_for_clients(1);
        comfy.runs(Some(&entry(&id(WAIT), AT, 1, "a fox", &[])));
        for number in 1..=WAIT {
            comfy.queue(number);
            comfy.tell(number as u64, 1);
        }
        for number in 0..END {
            let said = entry(&id(number), AT + number as u64, number as u64, "a fox", &[]);
            comfy.add(&id(number), said);
            comfy.tell((WAIT - number) as u64, 2);
        }
        assert!(child.wait().unwrap().success());
        assert_eq!(recorded(&repo).len(), END);
        let asked = comfy.asked();
        // The queue itself would be gigabytes, and a look for each message a storm.
        assert!(!asked.iter().any(|path| path == "/queue"), "{asked:?}");
        assert!(asked.len() < END, "{} questions", asked.len());
    }
}

#[test]
fn other_clients_keep_their_sockets() {
    let (repo, comfy) = (repo(), Comfy::new());
    let page = |client: &str| {
        let stream = TcpStream::connect(comfy.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let url = format!("ws://{}/ws?clientId={client}", comfy.address());
        let (mut socket, _) = tungstenite::client(url, stream).unwrap();
        socket.read().unwrap();
        socket
    };
    let mut pages =
        [page("11111111222233334444555566667777"), page("99999999222233334444555566667777")];
    comfy.wait_for_clients(2);
    let mut child = watch(&repo, &comfy, 2);
    comfy.wait_for_clients(3);
    // What a page is told; the watcher makes nothing of it.
    for number in 1..=2 {
        for event in ["execution_start", "executing", "executed", "execution_success"] {
            comfy.send(&json!({"type": event, "data": {"prompt_id": id(number), "node": "9"}}));
        }
        generate(&repo, &comfy, number);
    }
    comfy.tell(0, 1);
    assert!(child.wait().unwrap().success());
    for page in &mut pages {
        let first = page.read().unwrap().into_text().unwrap();
        assert!(first.contains("execution_start"), "{first}");
    }
    assert_eq!(recorded(&repo).len(), 2);
}

#[test]
fn a_server_whose_clock_is_hours_off_is_followed_all_the_same() {
    const HOURS: u64 = 9 * 3600 * 1000;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = now.as_millis() as u64;
    let (repo, comfy) = (repo(), Comfy::new());
    // The clock is set right between two runs: the later one seems to be the earlier.
    for (number, at) in [(1, now + HOURS), (2, now - HOURS), (3, now)] {
        let name = format!("fox_{number}.png");
        let picture = Picture { seed: number, side: 16 }.saved("a fox");
        std::fs::write(repo.world.path("output").join(&name), picture).unwrap();
        let id = id(number as usize);
        comfy.add(&id, entry(&id, at, number, "a fox", &[&name]));
    }
    repo.comfy(["watch", "--once", "--server", &comfy.address()]);
    repo.comfy(["runs", "scan"]);
    assert_eq!(repo.comfy(["watch", "--once", "--server", &comfy.address()]), "nothing new\n");
    assert_eq!(recorded(&repo).len(), 3);
    for number in 1..=3 {
        let run = shown(&repo, &id(number));
        assert!(run["outputs"][0]["sha256"].is_string(), "{run}");
    }
}

#[test]
fn a_client_may_call_its_prompt_whatever_it_likes() {
    let (repo, comfy) = (repo(), Comfy::old());
    for number in 1..=9 {
        generate(&repo, &comfy, number);
    }
    for (number, name) in ["my run", "../../etc", "x", "é", "a\u{1b}[31m"].iter().enumerate() {
        comfy.add(name, entry(name, AT, 100 + number as u64, "a fox", &[]));
    }
    repo.comfy(["watch", "--once", "--server", &comfy.address()]);
    assert_eq!(recorded(&repo).len(), 14);
    assert_eq!(repo.comfy(["watch", "--once", "--server", &comfy.address()]), "nothing new\n");
    repo.git(["fsck", "--strict"]);
}

/// Killed at any moment a scan and a watcher leave whole runs behind, and the next one
/// finds the rest.
#[test]
fn killed_at_any_moment_nothing_is_lost() {
    let (repo, comfy) = (repo(), Comfy::new());
    for number in 1..=60 {
        generate(&repo, &comfy, number);
    }
    // Files whose runs no server knows.
    for seed in 1000..1060u64 {
        let picture = Picture { seed, side: 16 }.saved("a cat");
        std::fs::write(repo.world.path("output").join(format!("cat_{seed}.png")), picture).unwrap();
    }
    let address = comfy.address();
    let commands: [&[&str]; 2] =
        [&["watch", "--server", &address, "--every", "1"], &["runs", "scan"]];
    for moment in 0..12u64 {
        let mut child = repo
            .command(GIT_COMFY)
            .args(commands[moment as usize % 2])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // Not to wait for anything: to strike at another moment each time.
        std::thread::sleep(Duration::from_millis(moment * 17));
        child.kill().unwrap();
        child.wait().unwrap();
        repo.git(["fsck", "--strict"]);
        for row in recorded(&repo) {
            let run = shown(&repo, row["run"].as_str().unwrap());
            assert!(run["content"].is_string() && run["seeds"].is_array(), "{run}");
        }
    }
    repo.comfy(["watch", "--once", "--server", &address]);
    repo.comfy(["runs", "scan"]);
    let rows = recorded(&repo);
    assert_eq!(rows.len(), 120);
    assert!(rows.iter().all(|row| row["files"].as_array().unwrap().len() == 1));
    assert!(repo.comfy(["runs", "scan", "--again"]).contains("nothing new"));
}
