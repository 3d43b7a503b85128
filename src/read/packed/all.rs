//! All files of an archive, in one pass: one thread unpacks, another reads; where one is all there is, it does both.

use std::{
    io::{self, Read},
    panic::resume_unwind,
    path::Path,
    sync::{
        Arc, OnceLock,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
};

use xxhash_rust::xxh3::Xxh3;

use crate::{
    control::Control,
    engine::threads::Pool,
    error::{Error, ErrorKind, Result},
    input::{
        Source,
        archive::{Member, Visitor, fault::Fault},
        content::Content,
        hash::hash_text,
        member::{Live, MemberSource, Packed},
        waiting::{channel, hand_over},
    },
    read::{
        Options,
        packed::{is_inside, leads_inside},
        read_with,
    },
    snapshot::Capture,
};

/// A member, and what `read` gives for it.
#[derive(Debug)]
pub struct Unpacked {
    /// Its label, the bytes it should have, its time.
    pub member: Member,
    /// What it holds, or why it does not.
    pub outcome: Result<Capture>,
    /// The hash of its bytes; not set if it was not unpacked to its end.
    pub hash: Hash,
}

/// The hash of bytes that another thread unpacks, once it has all of them.
pub type Hash = Arc<OnceLock<String>>;

/// A member on its way to the thread that reads.
type Sent = (Member, Result<Source<'static>>, Hash);

/// Bytes that are hashed on their way.
struct Hashed<'a> {
    bytes: &'a mut dyn Read,
    hash: Xxh3,
    is_whole: bool,
}

impl Hashed<'_> {
    /// Says the hash of all bytes, if they were all there.
    fn finish(self, hash: &Hash) {
        if self.is_whole {
            let _ = hash.set(hash_text(&self.hash));
        }
    }
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.is_whole |= count == 0 && !buffer.is_empty();
        Ok(count)
    }
}

/// Members up to this size are read from memory; larger ones while they are unpacked.
/// Tests of debug builds go both ways.
const IN_MEMORY: u64 = if cfg!(debug_assertions) { 256 } else { 64 << 20 };

/// What is done with each member once it is read.
pub type Found<'a> = &'a mut (dyn FnMut(Unpacked) + Send);

/// Reads all that an archive holds, in one pass, and hands over each member as soon as it is read.
///
/// # Errors
///
/// [`ErrorKind::Io`] and [`ErrorKind::Cancelled`]; what concerns a member is its outcome.
pub fn read_all(
    packed: &Packed,
    inside: Option<&str>,
    path: Option<&Path>,
    options: &Options,
    control: &Control,
    found: Found<'_>,
) -> Result<()> {
    let pool = Pool::new(options.threads)?;
    let mut take = move |(member, source, hash): Sent| {
        let read = || source.and_then(|source| read_with(&source, options, control));
        let outcome = pool.install(read);
        found(Unpacked { member, outcome, hash });
    };
    if options.threads == Some(1) {
        let mut unpack = Unpack { reader: Reader::Here(&mut take), packed, inside, path, options, control };
        packed.walk(&options.archives, &mut unpack)?;
        return control.go_on();
    }
    let (sender, members) = sync_channel(1);
    let mut unpack = Unpack { reader: Reader::Beside(sender), packed, inside, path, options, control };
    thread::scope(|scope| {
        let reader = scope.spawn(move || members.into_iter().for_each(take));
        let walked = packed.walk(&options.archives, &mut unpack);
        drop(unpack);
        reader.join().unwrap_or_else(|panic| resume_unwind(panic));
        walked
    })?;
    control.go_on()
}

/// Who reads what is unpacked.
enum Reader<'a> {
    /// A thread beside the one that unpacks.
    Beside(SyncSender<Sent>),
    /// The same, in turn.
    Here(&'a mut (dyn FnMut(Sent) + Send)),
}

/// Hands members to who reads them.
struct Unpack<'a> {
    reader: Reader<'a>,
    packed: &'a Packed,
    inside: Option<&'a str>,
    path: Option<&'a Path>,
    options: &'a Options,
    control: &'a Control,
}

impl Unpack<'_> {
    /// True if there is somebody to read it.
    fn send(&mut self, sent: Sent) -> bool {
        match &mut self.reader {
            Reader::Beside(sender) => sender.send(sent).is_ok(),
            Reader::Here(take) => {
                take(sent);
                true
            }
        }
    }

    fn source(&self, label: &str) -> MemberSource {
        MemberSource::new(self.packed.clone(), self.path, label.to_owned(), self.options.archives.clone())
    }
}

impl Visitor for Unpack<'_> {
    fn wants(&mut self, label: &str) -> bool {
        leads_inside(label, self.inside)
    }

    fn goes_on(&mut self) -> bool {
        self.control.go_on().is_ok()
    }

    fn visit(&mut self, member: &Member, content: &mut dyn Read) -> bool {
        if !is_inside(&member.label, self.inside) {
            return true;
        }
        let mut source = self.source(&member.label);
        let (mut bytes, hash) = (Vec::new(), Hash::default());
        let mut content = Hashed { bytes: content, hash: Xxh3::new(), is_whole: false };
        let fault = content.by_ref().take(IN_MEMORY + 1).read_to_end(&mut bytes).err().map(Fault::from);
        if bytes.len() as u64 <= IN_MEMORY {
            content.finish(&hash);
            source.unpacked = Some((Content::new(bytes), fault));
            return self.send((member.clone(), Ok(Source::Member(Box::new(source))), hash));
        }
        let (pieces, taken) = channel();
        let live = Live::new(taken);
        let slot = live.fault.clone();
        source.live = Some(live);
        let sent: Sent = (member.clone(), Ok(Source::Member(Box::new(source))), Arc::clone(&hash));
        // Who reads may have seen enough before the end.
        let feed = || {
            if pieces.send(Ok(bytes))
                && let Err(error) = hand_over(&mut content, &pieces)
            {
                slot.set(error.into());
            }
            // Before the pieces end, so that it is there when all is read.
            content.finish(&hash);
            drop(pieces);
        };
        match &mut self.reader {
            Reader::Beside(sender) => {
                if sender.send(sent).is_err() {
                    return false;
                }
                feed();
            }
            Reader::Here(take) => thread::scope(|scope| {
                scope.spawn(|| take(sent));
                feed();
            }),
        }
        true
    }

    fn fault(&mut self, label: &str, fault: Fault) {
        let error = Error::new(ErrorKind::Packed { fault }).in_file(self.source(label).path);
        let member = Member { label: label.to_owned(), size: None, modified: None };
        // Nobody waits for it if reading has stopped.
        self.send((member, Err(error), Hash::default()));
    }
}
