//! Are two captures of one process? Only then do ids and addresses mean the same in both.
//!
//! Both must name the same process id, logs also the same machine, and dumps the same moment in which the process was made, since
//! they name no machine. Process ids are used again, so the module lists are asked too: the program itself must be the same and be
//! loaded at the same address in both, and so must at least half of the modules that both list, for a plug-in may be unloaded and
//! come back elsewhere. Where a capture does not say, the answer is unknown, and unknown counts as no.

use std::collections::HashMap;

use arrow_array::{temporal_conversions::as_datetime, types::TimestampSecondType};

use super::{Dump, Snapshot, modules::Module};
use crate::table::Table;

/// Why trace ids and addresses of two logs must not be matched; absent if they may be.
pub fn why_not_one_run(before: &Snapshot, after: &Snapshot) -> Option<String> {
    let (Some(machine), Some(other)) = (&before.header.machine, &after.header.machine) else {
        return Some("a log does not name its machine".to_owned());
    };
    let (Some(pid), Some(other_pid)) = (before.header.pid, after.header.pid) else {
        return Some("a log does not name its process".to_owned());
    };
    if machine.to_lowercase() != other.to_lowercase() {
        return Some(format!("the machines differ ({machine} and {other})"));
    }
    other_ids(pid, other_pid).or_else(|| of_lists(before.table("modules"), after.table("modules")))
}

/// Why addresses in two dumps must not be compared; absent if they may be.
pub fn why_not_one_process(before: &Dump, after: &Dump) -> Option<String> {
    let file = |dump: &Dump| dump.about.path.clone().map(|path| (path, dump.about.byte_count));
    if std::ptr::eq(before, after) || file(before).is_some() && file(before) == file(after) {
        return None;
    }
    let (Some(pid), Some(other_pid)) = (before.header.pid, after.header.pid) else {
        return Some("a dump does not name its process".to_owned());
    };
    if let Some(found) = other_ids(pid, other_pid) {
        return Some(found);
    }
    let (Some(made), Some(later)) = (before.header.process_created_at, after.header.process_created_at) else {
        return Some("a dump does not say when its process was made".to_owned());
    };
    if made != later {
        let times = format!("{} and {}", moment(made), moment(later));
        return Some(format!("the processes were made at different times ({times})"));
    }
    of_lists(before.table("modules"), after.table("modules"))
}

/// Why a log and a dump are not of one process; absent if they may be. Their paths can be of different forms, so files go by name.
pub fn why_not_log_and_dump(log: &Snapshot, dump: &Dump) -> Option<String> {
    if let (Some(pid), Some(other)) = (log.header.pid, dump.header.pid)
        && let Some(found) = other_ids(pid, other)
    {
        return Some(found);
    }
    let (ours, theirs) = (Module::list(log.table("modules")), Module::list(dump.table("modules")));
    let file = |module: &Module<'_>| module.file();
    let (ours, theirs) = (by_file(&ours, file), by_file(&theirs, file));
    match compared(&ours, &theirs, |file, _| file.to_owned()) {
        Err(found) => Some(found),
        // Modules of the system are at the same addresses in every process until the next boot: they prove nothing.
        Ok(program_is_there) => {
            let unproven = !program_is_there && (log.header.pid.is_none() || dump.header.pid.is_none());
            unproven.then(|| "nothing shows it: no process id to compare, and no program that both list".to_owned())
        }
    }
}

fn other_ids(pid: u32, other: u32) -> Option<String> {
    (pid != other).then(|| format!("the process ids differ ({pid} and {other})"))
}

/// A time in seconds of the epoch, to the minute, with seconds where there are some.
fn moment(time: i64) -> String {
    let text = as_datetime::<TimestampSecondType>(time).map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string());
    let text = text.unwrap_or_else(|| "unknown".to_owned());
    text.strip_suffix(":00").map_or(text.clone(), ToOwned::to_owned)
}

fn of_lists(before: Option<&Table>, after: Option<&Table>) -> Option<String> {
    // The rule in a folder of logs, and a tenth of the time.
    if before.map(|table| &table.batches) == after.map(|table| &table.batches) {
        return None;
    }
    let (old, new) = (Module::list(before), Module::list(after));
    let path = |module: &Module<'_>| module.path.to_lowercase();
    compared(&by_file(&old, path), &by_file(&new, path), |_, module| module.name.to_owned()).err()
}

/// The modules of one list by their file, in the order of the list; a file can be listed at several places.
type Files<'a> = Vec<(String, Vec<&'a Module<'a>>)>;

fn by_file<'a>(modules: &'a [Module<'a>], key: impl Fn(&Module<'_>) -> String) -> Files<'a> {
    let mut files = Files::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    // A path that could not be read is empty, and says nothing about which module it is.
    for module in modules.iter().filter(|module| module.base.is_some() && !module.path.is_empty()) {
        let key = key(module);
        let place = *places.entry(key.clone()).or_insert(files.len());
        if place == files.len() {
            files.push((key, Vec::new()));
        }
        files[place].1.push(module);
    }
    files
}

/// Tells whether both lists have the program at the same address; the error is what speaks against one process.
fn compared(old: &Files<'_>, new: &Files<'_>, name: impl Fn(&str, &Module<'_>) -> String) -> Result<bool, String> {
    let is_program = |file: &str| file.ends_with(".exe");
    let programs = |files: &Files<'_>| -> Vec<String> {
        let programs = files.iter().filter(|(file, _)| is_program(file));
        programs.map(|(file, modules)| name(file, modules[0])).collect()
    };
    let there: HashMap<&str, &[&Module<'_>]> = new.iter().map(|(file, all)| (file.as_str(), &all[..])).collect();
    let is_shared = |(file, _): &(String, _)| is_program(file) && there.contains_key(file.as_str());
    if let (Some(ours), Some(theirs)) = (programs(old).first(), programs(new).first())
        && !old.iter().any(is_shared)
    {
        return Err(format!("the programs differ ({ours} and {theirs})"));
    }
    let (mut both, mut moved, mut program_is_there) = (0, 0, false);
    for (file, ours) in old {
        let Some(theirs) = there.get(file.as_str()) else { continue };
        both += 1;
        if ours.iter().any(|our| theirs.iter().any(|their| our.base == their.base)) {
            program_is_there |= is_program(file);
            continue;
        }
        if is_program(file) {
            return Err(format!("{} was loaded at another address", name(file, ours[0])));
        }
        moved += 1;
    }
    if both == 0 && !old.is_empty() && !new.is_empty() {
        return Err("no module is listed in both".to_owned());
    }
    if 2 * moved > both {
        return Err(format!("{moved} of {both} modules were loaded at other addresses"));
    }
    Ok(program_is_there)
}
