//! Writes a benchmark log and prints what is in it:
//! `cargo run --release --example write_reference -- blocks 1000000000 blocks.txt`

#![allow(clippy::print_stdout)] // The totals are what this program is for.

use std::{env, fs::File, process::ExitCode};

use heapdelta::testing::reference::{Kind, Options, write_reference};

const USAGE: &str = "usage: write_reference blocks|mixed BYTES FILE [SEED] [grown|STEP]";

fn main() -> ExitCode {
    match run(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<String, String> {
    let [kind, byte_count, path, rest @ ..] = arguments else { return Err(USAGE.to_owned()) };
    let options = Options {
        kind: Kind::of(kind).ok_or(USAGE)?,
        byte_count: byte_count.parse().map_err(|_| USAGE)?,
        seed: rest.first().map_or(Ok(1), |seed| seed.parse()).map_err(|_| USAGE)?,
        grown: rest.get(1).is_some_and(|word| word == "grown"),
        step: rest.get(1).and_then(|word| word.parse().ok()).unwrap_or(0),
    };
    let mut file = File::create(path).map_err(|error| format!("{path}: {error}"))?;
    let answer = write_reference(&mut file, &options).map_err(|error| format!("{path}: {error}"))?;
    Ok(format!("{answer:#?}"))
}
