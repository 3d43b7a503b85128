//! Archives that need the crates' own writers: methods and encryption of zip, 7z, cabinets and Zstandard. The others are tested in
//! Python, by its standard library.

use std::io::{Cursor, Write};

use cab::{CabinetBuilder, CompressionType};
use heapdelta::{
    ArchiveLimits, ArchiveRules, Capture, Control, ErrorKind, Options, Source,
    internals::{
        input::hash::content_hash,
        read::{packed::Unpacked, read_members},
    },
};
use sevenz_rust2::{
    ArchiveEntry, ArchiveWriter, EncoderConfiguration, EncoderMethod, SourceReader, encoder_options::AesEncoderOptions,
};
use zip::{AesMode, CompressionMethod, ZipWriter, write::SimpleFileOptions};

fn log(size: usize) -> Vec<u8> {
    let mut text = b"*- - - - Start of data for heap @ 10000 - - - -\n\n".to_vec();
    text.extend(format!("{size} bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n\n").bytes());
    text
}

fn options(password: Option<&str>) -> Options {
    Options {
        archives: ArchiveRules { password: password.map(str::to_owned), ..ArchiveRules::default() },
        ..Options::default()
    }
}

fn all(archive: &[u8], options: &Options) -> Vec<Unpacked> {
    let mut all = Vec::new();
    let mut found = |each| all.push(each);
    read_members(&Source::from(archive), options, &Control::default(), &mut found).unwrap().expect("an archive");
    all
}

/// The bytes that every log of an archive holds, by label; or the kind of what went wrong.
fn told(archive: &[u8], options: &Options) -> Vec<(String, Result<u64, &'static str>)> {
    let size = |capture: Capture| match capture {
        Capture::Snapshot(log) => log.about.byte_count,
        _ => panic!("no log"),
    };
    let row = |Unpacked { member, outcome, .. }: Unpacked| {
        (member.label, outcome.map(size).map_err(|error| error.kind().name()))
    };
    all(archive, options).into_iter().map(row).collect()
}

fn expected() -> Vec<(String, Result<u64, &'static str>)> {
    [("logs/a.txt", 5), ("logs/b.txt", 1234)].map(|(name, size)| (name.to_owned(), Ok(log(size).len() as u64))).into()
}

pub fn zipped(options: SimpleFileOptions) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, size) in [("logs/a.txt", 5), ("logs/b.txt", 1234)] {
        writer.start_file(name, options).unwrap();
        writer.write_all(&log(size)).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn every_method_of_zip_is_read() {
    for method in [
        CompressionMethod::STORE,
        CompressionMethod::DEFLATE,
        CompressionMethod::BZIP2,
        CompressionMethod::ZSTD,
        CompressionMethod::XZ,
        CompressionMethod::PPMD,
    ] {
        let archive = zipped(SimpleFileOptions::default().compression_method(method));
        assert_eq!(told(&archive, &options(None)), expected(), "{method}");
        let large = zipped(SimpleFileOptions::default().compression_method(method).large_file(true));
        assert_eq!(told(&large, &options(None)), expected(), "{method}");
    }
}

#[test]
fn one_thread_reads_what_several_read_and_all_say_the_hash_of_each_member() {
    let archive = zipped(SimpleFileOptions::default());
    let hashes = |threads| {
        let options = Options { threads, ..options(None) };
        assert_eq!(told(&archive, &options), expected());
        let all = all(&archive, &options).into_iter();
        all.map(|each| each.hash.get().cloned().expect("it was unpacked to its end")).collect::<Vec<_>>()
    };
    let expected = [5, 1234].map(|size| content_hash(&mut &log(size)[..]).unwrap());
    assert_eq!(hashes(Some(1)), expected);
    assert_eq!(hashes(Some(3)), expected);
}

#[test]
fn deflate64_is_read() {
    // Both are alike but for long matches, of which such a log has none.
    let mut archive = zipped(SimpleFileOptions::default().compression_method(CompressionMethod::DEFLATE));
    let heads: Vec<usize> = (0..archive.len() - 4).filter(|at| archive[*at..].starts_with(b"PK\x03\x04")).collect();
    let list: Vec<usize> = (0..archive.len() - 4).filter(|at| archive[*at..].starts_with(b"PK\x01\x02")).collect();
    heads.iter().for_each(|at| archive[at + 8] = 9);
    list.iter().for_each(|at| archive[at + 10] = 9);
    assert_eq!(told(&archive, &options(None)), expected());
    heads.iter().for_each(|at| archive[at + 8] = 77);
    list.iter().for_each(|at| archive[at + 10] = 77);
    let outcomes: Vec<_> = told(&archive, &options(None)).into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, [Err("unsupported_archive"); 2]);
}

#[test]
fn a_password_opens_aes() {
    for mode in [AesMode::Aes128, AesMode::Aes192, AesMode::Aes256] {
        let archive = zipped(SimpleFileOptions::default().with_aes_encryption(mode, "secret"));
        assert_eq!(told(&archive, &options(Some("secret"))), expected());
        for password in [None, Some("wrong")] {
            let outcomes: Vec<_> = told(&archive, &options(password)).into_iter().map(|(_, outcome)| outcome).collect();
            assert_eq!(outcomes, [Err("password"); 2]);
        }
    }
}

fn sevenz(methods: Vec<EncoderConfiguration>, solid: bool, locked_list: bool) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    writer.set_content_methods(methods);
    writer.set_encrypt_header(locked_list);
    let members = [("logs/a.txt", 5), ("logs/b.txt", 1234)];
    if solid {
        let entries = members.map(|(name, _)| ArchiveEntry::new_file(name)).into();
        let readers = members.map(|(_, size)| SourceReader::new(Cursor::new(log(size)))).into();
        writer.push_archive_entries(entries, readers).unwrap();
    } else {
        for (name, size) in members {
            writer.push_archive_entry(ArchiveEntry::new_file(name), Some(Cursor::new(log(size)))).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn every_method_of_7z_is_read() {
    for method in
        [EncoderMethod::COPY, EncoderMethod::LZMA, EncoderMethod::LZMA2, EncoderMethod::BZIP2, EncoderMethod::PPMD]
    {
        for solid in [false, true] {
            let archive = sevenz(vec![EncoderConfiguration::new(method)], solid, false);
            assert_eq!(told(&archive, &options(None)), expected(), "{} {solid}", method.name());
        }
    }
}

#[test]
fn a_password_opens_7z_and_its_list() {
    let methods =
        || vec![AesEncoderOptions::new("secret".into()).into(), EncoderConfiguration::new(EncoderMethod::LZMA2)];
    for (solid, locked_list) in [(false, false), (true, false), (true, true)] {
        let archive = sevenz(methods(), solid, locked_list);
        assert_eq!(told(&archive, &options(Some("secret"))), expected(), "{solid} {locked_list}");
        let without = told(&archive, &options(None));
        assert!(without.iter().all(|(_, outcome)| *outcome == Err("password")), "{without:?}");
        assert_eq!(without.len(), if locked_list { 1 } else { 2 });
    }
}

#[test]
fn a_cut_7z_says_so() {
    let archive = sevenz(vec![EncoderConfiguration::new(EncoderMethod::LZMA2)], true, false);
    for len in [archive.len() - 1, archive.len() / 2, 33, 7] {
        let outcomes = told(&archive[..len], &options(None));
        assert_eq!(outcomes, [(String::new(), Err("damaged_archive"))], "{len}");
    }
}

#[test]
fn what_is_behind_a_7z_is_told() {
    let archive = sevenz(vec![EncoderConfiguration::new(EncoderMethod::LZMA2)], true, false);
    assert_eq!(told(&[&archive, &[0; 10_000][..]].concat(), &options(None)), expected());
    let behind = told(&[&archive, &[0; 10_000][..], &log(9)].concat(), &options(None));
    let damaged = (String::new(), Err("damaged_archive"));
    assert_eq!(behind, [expected(), vec![damaged]].concat());
}

fn cabinet(files: &[(&str, Vec<u8>)], compression: CompressionType) -> Vec<u8> {
    let mut builder = CabinetBuilder::new();
    let folder = builder.add_folder(compression);
    for (name, _) in files {
        folder.add_file(*name);
    }
    let mut writer = builder.build(Cursor::new(Vec::new())).unwrap();
    let mut contents = files.iter();
    while let Some(mut file) = writer.next_file().unwrap() {
        file.write_all(&contents.next().unwrap().1).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn files_of_a_cabinet_are_cut_out_of_its_folders() {
    let large = [log(7), b"64 bytes + 8 at 5000 by BackTrace1\n".repeat(5000)].concat();
    for compression in [CompressionType::None, CompressionType::MsZip] {
        let files = [("logs\\a.txt", log(5)), ("large.txt", large.clone()), ("a.txt", log(3)), ("a.txt", log(1234))];
        let archive = cabinet(&files, compression);
        let lens = files.map(|(_, content)| Ok(content.len() as u64));
        let names = ["logs/a.txt", "large.txt", "a.txt", "a.txt#2"].map(str::to_owned);
        assert_eq!(told(&archive, &options(None)), names.into_iter().zip(lens).collect::<Vec<_>>());
    }
}

#[test]
fn a_cut_cabinet_gives_what_is_there() {
    let large = [log(7), b"64 bytes + 8 at 5000 by BackTrace1\n".repeat(5000)].concat();
    let archive = cabinet(&[("a.txt", log(5)), ("large.txt", large.clone())], CompressionType::None);
    let outcomes = all(&archive[..archive.len() - 70_000], &options(None));
    assert_eq!(outcomes.len(), 2);
    let sizes: Vec<u64> = outcomes
        .iter()
        .map(|each| match each.outcome.as_ref().unwrap() {
            Capture::Snapshot(log) => log.about.byte_count,
            _ => panic!("no log"),
        })
        .collect();
    assert_eq!(sizes[0], log(5).len() as u64);
    assert!(sizes[1] > 0 && sizes[1] < large.len() as u64);
}

#[test]
fn zstandard_has_frames_and_may_hold_a_tar() {
    let frame = |content: &[u8]| zstd::encode_all(content, 3).unwrap();
    let whole = log(5);
    let mut archive = b"\x50\x2A\x4D\x18\x04\0\0\0skip".to_vec();
    archive.extend(frame(&whole[..20]));
    archive.extend(frame(&whole[20..]));
    archive.extend([0; 1000]);
    assert_eq!(told(&archive, &options(None)), [(String::new(), Ok(whole.len() as u64))]);
    archive.extend(log(9));
    let outcome = all(&archive, &options(None)).remove(0).outcome;
    let Ok(Capture::Snapshot(found)) = outcome else { panic!("{outcome:?}") };
    assert!(found.table("issues").unwrap().batches.iter().any(|rows| rows.num_rows() > 0));
    let mut tar = tar::Builder::new(Vec::new());
    for (name, size) in [("logs/a.txt", 5), ("logs/b.txt", 1234)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(log(size).len() as u64);
        header.set_cksum();
        tar.append_data(&mut header, name, &*log(size)).unwrap();
    }
    assert_eq!(told(&frame(&tar.into_inner().unwrap()), &options(None)), expected());
}

#[test]
fn the_error_of_an_archive_lists_what_it_holds() {
    let error = heapdelta::read(&*zipped(SimpleFileOptions::default()), &Options::default()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ManyMembers { members } if members.len() == 2), "{error}");
    let limits = ArchiveLimits { members: 1, ..ArchiveLimits::default() };
    let options = Options { archives: ArchiveRules { limits, ..ArchiveRules::default() }, ..Options::default() };
    let error = heapdelta::read(&*zipped(SimpleFileOptions::default()), &options).unwrap_err();
    assert!(error.message().ends_with("logs/a.txt (umdh2), others (the limit members=1 is reached)"), "{error}");
}
