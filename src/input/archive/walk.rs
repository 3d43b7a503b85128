//! A walk through an archive, and through the archives inside of it.

use std::{
    collections::HashMap,
    io::{Read, Seek, SeekFrom},
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{
    Format, Input, LEVEL, Member, ReadSeek, Rules,
    fault::Fault,
    format,
    limits::{Budget, Metered, Sizes},
    names,
    peek::Peeked,
};

/// First bytes that tell a format: mails have long headers.
pub const PEEK: usize = 64 << 10;

/// Who takes the members.
pub trait Visitor {
    /// Whether a member, or something inside of it, is wanted.
    fn wants(&mut self, label: &str) -> bool;

    /// Takes a member that is no archive, and says whether to go on. A reader that fails says why with a [`Fault`].
    fn visit(&mut self, member: &Member, content: &mut dyn Read) -> bool;

    /// Takes what cannot be had: a member, or what is left of the archive with that label.
    fn fault(&mut self, label: &str, fault: Fault);

    /// Whether to go on where much is passed over.
    fn goes_on(&mut self) -> bool {
        true
    }
}

/// Walks through an archive: a file of its bytes, behind `format`.
///
/// # Errors
///
/// What the operating system says.
pub fn walk(
    format: &dyn Format,
    mut archive: Box<dyn ReadSeek + '_>,
    rules: &Rules,
    visitor: &mut dyn Visitor,
) -> std::io::Result<()> {
    let packed = archive.seek(SeekFrom::End(0))?;
    archive.seek(SeekFrom::Start(0))?;
    let budget = Budget::new(Some(packed));
    let mut walk = Walk { rules, visitor, budget: &budget, stopped: false, seen: HashMap::new() };
    walk.level(format, Input::Seekable(archive), Member { label: String::new(), size: None, modified: None }, 1);
    Ok(())
}

/// What all levels of a walk share.
struct Walk<'a> {
    rules: &'a Rules,
    visitor: &'a mut dyn Visitor,
    budget: &'a Budget,
    stopped: bool,
    /// How many members have a label.
    seen: HashMap<String, u64>,
}

impl Walk<'_> {
    /// Goes through one archive.
    fn level(&mut self, format: &dyn Format, input: Input<'_>, archive: Member, depth: u64) {
        let label = archive.label.clone();
        let mut level = Level { walk: self, archive, is_one_file: format.is_one_file(), depth };
        // What others wrote reads what strangers made.
        let outcome = catch_unwind(AssertUnwindSafe(|| format.walk(input, &mut level)));
        let fault = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(fault)) => fault,
            Err(_) => Fault::Damaged(format!("its reader, for {}, gave up", format.name())),
        };
        if !self.stopped {
            self.visitor.fault(&label, fault);
        }
    }
}

/// One archive of a walk.
pub struct Level<'w, 'a> {
    walk: &'w mut Walk<'a>,
    /// The archive; its label is empty for the outermost.
    archive: Member,
    is_one_file: bool,
    depth: u64,
}

impl Level<'_, '_> {
    /// How archives are opened.
    pub fn rules(&self) -> &Rules {
        self.walk.rules
    }

    /// True if no more members are to be handed on.
    pub fn is_over(&self) -> bool {
        self.walk.stopped
    }

    /// False if nobody waits for the rest any more.
    pub fn goes_on(&mut self) -> bool {
        self.walk.stopped |= !self.walk.visitor.goes_on();
        !self.walk.stopped
    }

    /// The member of a name, unless nobody wants it. A second one of a name gets a number.
    ///
    /// # Errors
    ///
    /// If there were too many members.
    pub fn member(&mut self, name: &str, size: Option<u64>, modified: Option<i64>) -> Result<Option<Member>, Fault> {
        self.walk.budget.member(&self.walk.rules.limits)?;
        let label = if self.is_one_file {
            self.archive.label.clone()
        } else {
            let name = if name.is_empty() { "(no name)" } else { name };
            let outer = &self.archive.label;
            let label = if outer.is_empty() { name.to_owned() } else { format!("{outer}{LEVEL}{name}") };
            names::distinct(&label, &mut self.walk.seen)
        };
        let modified = modified.or_else(|| self.archive.modified.filter(|_| self.is_one_file));
        Ok(self.walk.visitor.wants(&label).then_some(Member { label, size, modified }))
    }

    /// Hands on a member, or goes through it if it is an archive.
    pub fn open(&mut self, member: Member, sizes: Sizes, content: &mut dyn Read) {
        let limits = &self.walk.rules.limits;
        let metered = Metered::new(content, sizes, limits, self.walk.budget);
        let mut content = Peeked::new(metered, PEEK);
        match format(content.start()) {
            Some(_) if self.depth >= limits.depth => self.fault(&member, Fault::Limit("depth", limits.depth)),
            Some(format) => self.walk.level(format, Input::Stream(&mut content), member, self.depth + 1),
            None => self.walk.stopped |= !self.walk.visitor.visit(&member, &mut content),
        }
        if let (Err(fault), false) = (self.walk.budget.left(&self.walk.rules.limits), self.walk.stopped) {
            self.walk.visitor.fault("", fault);
            self.walk.stopped = true;
        }
    }

    /// Says why a member cannot be had.
    pub fn fault(&mut self, member: &Member, fault: Fault) {
        self.walk.visitor.fault(&member.label, fault);
    }
}
