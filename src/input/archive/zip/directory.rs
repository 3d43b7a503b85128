//! The list at the end of a zip becomes entries.

use std::io::SeekFrom;

use rawzip::{Error, ErrorKind, RECOMMENDED_BUFFER_SIZE, ZipArchive, ZipFileHeaderRecord};

use super::{Entry, ReadSeek};
use crate::input::archive::{fault::Fault, limits::Limits, moment::seconds};

/// What a list leaves to be looked for in the file itself.
pub enum Rest {
    /// It names all, and ends here.
    Nothing(u64),
    /// Members that it does not name, and why it does not; nothing is wrong where an archive is in several files.
    Members(Option<Fault>),
}

/// Reads the list. One that is not that of the whole file has no entries: in a cut archive it can be that of an archive inside, and
/// in an archive of several files, places are those in one of them.
pub fn entries(input: &mut dyn ReadSeek, limits: &Limits) -> (Vec<Entry>, Rest) {
    let mut entries = Vec::new();
    let end = match read(input, limits, &mut entries) {
        Ok(None) => return (Vec::new(), Rest::Members(None)),
        Ok(Some(end)) => end,
        Err(error) => {
            let fault = match error.kind() {
                ErrorKind::MissingEndOfCentralDirectory => "the list at its end is missing".to_owned(),
                ErrorKind::IO(error) if error.raw_os_error().is_some() => error.to_string(),
                _ => "the list at its end is cut or changed".to_owned(),
            };
            return (entries, Rest::Members(Some(Fault::Damaged(fault))));
        }
    };
    if starts_with_a_member(input) && entries.iter().all(|entry| entry.offset != 0) {
        let fault = Fault::Damaged("the list at its end is not that of all its members".to_owned());
        return (Vec::new(), Rest::Members(Some(fault)));
    }
    (entries, Rest::Nothing(end))
}

/// A list names the member that the file begins with.
fn starts_with_a_member(input: &mut dyn ReadSeek) -> bool {
    let mut start = [0; 4];
    let read = input.rewind().and_then(|()| input.read_exact(&mut start));
    read.is_ok() && start == *b"PK\x03\x04"
}

/// Reads the entries, and tells where the archive ends; nowhere if the list is that of several files.
fn read(input: &mut dyn ReadSeek, limits: &Limits, entries: &mut Vec<Entry>) -> Result<Option<u64>, Error> {
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE.max(1 << 17)];
    let archive = ZipArchive::from_seekable(&mut *input, &mut buffer)?;
    let hint = archive.entries_hint();
    let (list_end, end) = (archive.eocd_offset(), archive.end_offset());
    let mut list = archive.entries(&mut buffer);
    while let Some(record) = list.next_entry()? {
        entries.push(entry(&record));
        // The walk tells the limit when it meets one member more than is allowed.
        if entries.len() as u64 > limits.members {
            return Ok(Some(end));
        }
    }
    if (entries.len() as u64) < hint {
        return Err(ErrorKind::InvalidEndOfCentralDirectory.into());
    }
    let mut record = [0; 6];
    input.seek(SeekFrom::Start(list_end))?;
    input.read_exact(&mut record)?;
    // PKWARE's APPNOTE.TXT, 4.4.19: the number of the file that the end is in; all ones for zip64, which says it elsewhere.
    Ok(matches!(u16::from_le_bytes([record[4], record[5]]), 0 | u16::MAX).then_some(end))
}

fn entry(record: &ZipFileHeaderRecord<'_>) -> Entry {
    let time = record.last_modified();
    let name = record.file_path().as_bytes();
    Entry {
        name: unicode_name(record, name).unwrap_or(name).to_vec(),
        offset: record.local_header_offset(),
        packed: record.compressed_size_hint(),
        size: Some(record.uncompressed_size_hint()),
        crc: Some(record.crc32()),
        method: record.compression_method().as_u16(),
        is_encrypted: record.flags().is_encrypted(),
        is_link: record.mode().is_symlink(),
        modified: seconds(
            [time.year().into(), time.month().into(), time.day().into()],
            [time.hour().into(), time.minute().into(), time.second().into()],
        ),
    }
}

/// The name in UTF-8 that Info-ZIP and WinRAR put beside one of a code page, if it is that of the same name.
///
/// PKWARE's APPNOTE.TXT, 4.6.9: a version, the checksum of the name, and the name.
fn unicode_name<'a>(record: &'a ZipFileHeaderRecord<'_>, name: &[u8]) -> Option<&'a [u8]> {
    let (_, field) = record.extra_fields().find(|(id, _)| id.as_u16() == 0x7075)?;
    let (head, unicode) = field.split_first_chunk::<5>()?;
    let crc = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
    (head[0] == 1 && crc == rawzip::crc32(name)).then_some(unicode)
}
