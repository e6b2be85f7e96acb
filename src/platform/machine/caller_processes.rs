//! The programs that called this one, as far as the system tells: Linux by `/proc`, other
//! unixes by `ps`, Windows not at all. Must not know what they are.

/// The most processes that are looked at, upwards.
#[cfg(unix)]
const MOST: usize = 16;

/// The command line of each calling process, the nearest first.
#[cfg(unix)]
pub(crate) fn callers() -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let mut id = std::os::unix::process::parent_id();
    while id > 1 && all.len() < MOST {
        let Some((parent, words)) = look(id) else { break };
        all.push(words);
        id = parent;
    }
    all
}

/// The command line of each calling process, the nearest first.
#[cfg(not(unix))]
pub fn callers() -> Vec<Vec<String>> {
    Vec::new()
}

/// The parent of a process, and its own command line.
#[cfg(target_os = "linux")]
fn look(id: u32) -> Option<(u32, Vec<String>)> {
    let about = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let parent = about.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    let line = std::fs::read(format!("/proc/{id}/cmdline")).ok()?;
    let line = line.strip_suffix(b"\0").unwrap_or(&line);
    let words = line.split(|byte| *byte == 0);
    let words = words.map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    Some((parent.trim().parse().ok()?, words))
}

/// The parent of a process, and its own command line. `ps` shows a space within an argument
/// like one between two.
#[cfg(all(unix, not(target_os = "linux")))]
fn look(id: u32) -> Option<(u32, Vec<String>)> {
    let mut ps = std::process::Command::new("ps");
    let output = ps.args(["-o", "ppid=", "-o", "args=", "-p", &id.to_string()]).output().ok()?;
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = output.split_whitespace().map(str::to_owned);
    let parent = words.next()?.parse().ok()?;
    Some((parent, words.collect()))
}
