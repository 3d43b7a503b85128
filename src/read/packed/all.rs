//! All files of an archive, in one pass: one thread unpacks, another reads.

use std::{
    io::Read,
    panic::resume_unwind,
    path::Path,
    sync::mpsc::{SyncSender, sync_channel},
    thread,
};

use crate::{
    control::Control,
    engine::threads::Pool,
    error::{Error, ErrorKind, Result},
    input::{
        Source,
        archive::{Member, Visitor, fault::Fault},
        content::Content,
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
}

/// Members up to this size are read from memory; larger ones while they are unpacked.
/// Tests of debug builds go both ways.
const IN_MEMORY: u64 = if cfg!(debug_assertions) { 256 } else { 64 << 20 };

/// Reads all that an archive holds, in one pass, on a thread beside the one that unpacks.
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
) -> Result<Vec<Unpacked>> {
    let (sender, members) = sync_channel(1);
    let mut unpack = Unpack { sender, packed, inside, path, options, control };
    let pool = Pool::new(options.threads)?;
    let all = thread::scope(|scope| {
        let read = |(member, source): (Member, Result<Source<'static>>)| {
            let outcome = source.and_then(|source| read_with(&source, options, control));
            Unpacked { member, outcome }
        };
        let reader = scope.spawn(move || pool.install(|| members.into_iter().map(read).collect::<Vec<_>>()));
        let walked = packed.walk(&options.archives, &mut unpack);
        drop(unpack);
        let all = reader.join().unwrap_or_else(|panic| resume_unwind(panic));
        walked.map(|_| all)
    })?;
    control.go_on().map(|()| all)
}

/// Hands members to the thread that reads them.
struct Unpack<'a> {
    sender: SyncSender<(Member, Result<Source<'static>>)>,
    packed: &'a Packed,
    inside: Option<&'a str>,
    path: Option<&'a Path>,
    options: &'a Options,
    control: &'a Control,
}

impl Unpack<'_> {
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
        let mut bytes = Vec::new();
        let fault = content.take(IN_MEMORY + 1).read_to_end(&mut bytes).err().map(Fault::from);
        if bytes.len() as u64 <= IN_MEMORY {
            source.unpacked = Some((Content::new(bytes), fault));
            return self.sender.send((member.clone(), Ok(Source::Member(Box::new(source))))).is_ok();
        }
        let (pieces, taken) = channel();
        let live = Live::new(taken);
        let slot = live.fault.clone();
        source.live = Some(live);
        if self.sender.send((member.clone(), Ok(Source::Member(Box::new(source))))).is_err() {
            return false;
        }
        // Who reads may have seen enough before the end.
        if pieces.send(Ok(bytes)).is_ok()
            && let Err(error) = hand_over(content, &pieces)
        {
            slot.set(error.into());
        }
        true
    }

    fn fault(&mut self, label: &str, fault: Fault) {
        let error = Error::new(ErrorKind::Packed { fault }).in_file(self.source(label).path);
        let member = Member { label: label.to_owned(), size: None, modified: None };
        // Nobody waits for it if reading has stopped.
        let _ = self.sender.send((member, Err(error)));
    }
}
