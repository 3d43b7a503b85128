//! Cabinets: what Windows' own tools pack. A folder of one holds its files packed together, one after the other.
//!
//! Source: \[MS-CAB\], Cabinet File Format, 2.1 to 2.4. Blocks are unpacked by the crate `cab`, which opens files by name, each from
//! the start of its folder. So it is shown another list: one file for each folder, as long as the folder is; the files are cut
//! out of that here, those of one name as well.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use cab::Cabinet;

use super::{Format, Input, ReadSeek, fault::Fault, limits::Sizes, moment::seconds, names, walk::Level};

/// The format.
pub struct Cab;

impl Format for Cab {
    fn name(&self) -> &'static str {
        "a cabinet"
    }

    fn begins(&self, start: &[u8]) -> bool {
        start.starts_with(b"MSCF\0\0\0\0")
    }

    fn walk(&self, input: Input<'_>, level: &mut Level<'_, '_>) -> Result<(), Fault> {
        let limits = level.rules().limits.clone();
        let mut input = input.seekable(&limits)?;
        let list = List::read(&mut *input)?;
        let mut cabinet = Cabinet::new(Relisted::new(input, &list)?)?;
        for folder in 0..list.folders {
            let mut files: Vec<&File> = list.files.iter().filter(|file| file.folder == folder).collect();
            files.sort_by_key(|file| file.start);
            let mut content = cabinet.read_file(&folder.to_string()).map(Folder::new).map_err(Fault::from);
            for file in files {
                let name = names::decoded(&file.name, level.rules().names);
                let Some(member) = level.member(&name, Some(file.len), file.modified)? else { continue };
                let sizes = Sizes { packed: None, exact: Some(file.len) };
                match content.as_mut().map(|folder| folder.file(file)) {
                    Ok(Ok(mut content)) => level.open(member, sizes, &mut content),
                    Ok(Err(fault)) => level.fault(&member, fault),
                    Err(fault) => level.fault(&member, fault.clone()),
                }
                if level.is_over() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// A folder being unpacked.
struct Folder<R> {
    content: R,
    /// Bytes of it that were read.
    place: u64,
}

impl<R: Read> Folder<R> {
    fn new(content: R) -> Self {
        Self { content, place: 0 }
    }

    /// The bytes of a file, which is behind those that were asked for before.
    fn file(&mut self, file: &File) -> Result<impl Read, Fault> {
        if file.is_continued {
            return Err(Fault::Damaged("it begins in another cabinet".to_owned()));
        }
        let before = file.start.checked_sub(self.place).ok_or(Fault::Overlap)?;
        io::copy(&mut self.by_ref().take(before), &mut io::sink())?;
        Ok(self.take(file.len))
    }
}

impl<R: Read> Read for Folder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(out)?;
        self.place += count as u64;
        Ok(count)
    }
}

/// The list of a cabinet.
struct List {
    /// Its header, without what some tools keep in it.
    header: [u8; HEADER],
    folders: u16,
    files: Vec<File>,
}

/// A file of the list.
struct File {
    name: Vec<u8>,
    folder: u16,
    /// Where it is in its folder.
    start: u64,
    len: u64,
    /// Its first bytes are in the cabinet before this one.
    is_continued: bool,
    modified: Option<i64>,
}

const HEADER: usize = 36;

impl List {
    fn read(input: &mut dyn ReadSeek) -> io::Result<Self> {
        let mut header = [0; HEADER];
        input.read_exact(&mut header)?;
        let half = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let files_at = u32::from_le_bytes([header[16], header[17], header[18], header[19]]);
        let folders = half(26);
        input.seek(SeekFrom::Start(files_at.into()))?;
        let mut input = io::BufReader::new(input);
        let files = (0..half(28)).map(|_| File::read(&mut input, folders)).collect::<io::Result<_>>()?;
        Ok(Self { header, folders, files })
    }
}

impl File {
    fn read(mut input: impl BufRead, folders: u16) -> io::Result<Self> {
        let mut entry = [0; 16];
        input.read_exact(&mut entry)?;
        let half = |at: usize| u16::from_le_bytes([entry[at], entry[at + 1]]);
        let word = |at: usize| u64::from(half(at)) | u64::from(half(at + 2)) << 16;
        let mut name = Vec::new();
        input.by_ref().take(1024).read_until(0, &mut name)?;
        name.pop();
        let (date, time) = (i64::from(half(10)), i64::from(half(12)));
        let is_continued = matches!(half(8), 0xFFFD | 0xFFFF);
        let folder = match half(8) {
            0xFFFD | 0xFFFF => 0,
            0xFFFE => folders.saturating_sub(1),
            folder => folder,
        };
        Ok(Self {
            name,
            folder,
            start: word(4),
            len: word(0),
            is_continued,
            modified: seconds(
                [1980 + (date >> 9), date >> 5 & 15, date & 31],
                [time >> 11, time >> 5 & 63, (time & 31) * 2],
            ),
        })
    }
}

/// A cabinet with another list: that is behind its last byte, and its header says so.
struct Relisted<R> {
    header: [u8; HEADER],
    cabinet: R,
    list: Vec<u8>,
    list_at: u64,
    place: u64,
}

impl<R: Read + Seek> Relisted<R> {
    fn new(mut cabinet: R, list: &List) -> io::Result<Self> {
        let list_at = cabinet.seek(SeekFrom::End(0))?;
        let short = |number: u64| {
            u32::try_from(number).map_err(|_| io::Error::from(Fault::Damaged("it is too long".to_owned())))
        };
        let mut header = list.header;
        header[16..20].copy_from_slice(&short(list_at)?.to_le_bytes());
        header[28..30].copy_from_slice(&list.folders.to_le_bytes());
        let mut files = Vec::new();
        for folder in 0..list.folders {
            let ends = list.files.iter().filter(|file| file.folder == folder).map(|file| file.start + file.len);
            files.extend(short(ends.max().unwrap_or(0))?.to_le_bytes());
            files.extend([0; 4]);
            files.extend(folder.to_le_bytes());
            files.extend([0; 6]);
            files.extend(folder.to_string().bytes());
            files.push(0);
        }
        Ok(Self { header, cabinet, list: files, list_at, place: 0 })
    }
}

impl<R: Read + Seek> Read for Relisted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = match usize::try_from(self.place) {
            Ok(place) if place < HEADER => (&self.header[place..]).read(out)?,
            _ if self.place < self.list_at => {
                self.cabinet.seek(SeekFrom::Start(self.place))?;
                self.cabinet.by_ref().take(self.list_at - self.place).read(out)?
            }
            _ => {
                let at = usize::try_from(self.place - self.list_at).unwrap_or(usize::MAX);
                self.list.get(at..).unwrap_or_default().read(out)?
            }
        };
        self.place += count as u64;
        Ok(count)
    }
}

impl<R: Read + Seek> Seek for Relisted<R> {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        let end = self.list_at + self.list.len() as u64;
        let to = match place {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) => self.place.checked_add_signed(by),
            SeekFrom::End(by) => end.checked_add_signed(by),
        };
        self.place = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.place)
    }
}
