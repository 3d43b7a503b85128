//! Why a key of a ranking has no value, told apart from the name of any module.

/// What is known of a key. Rankings have its words in their column `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It has a value.
    Ok,
    /// The log says that no stack was recorded.
    NotRecorded,
    /// The frames of the stack are not in the file.
    NotInFile,
    /// The frame is in no module.
    NoModule,
    /// Several stacks have the id.
    SeveralStacks,
    /// The log names no heap.
    NoHeap,
}

impl Status {
    /// All of them, by number.
    pub const ALL: [Status; 6] =
        [Status::Ok, Status::NotRecorded, Status::NotInFile, Status::NoModule, Status::SeveralStacks, Status::NoHeap];

    /// Its words in a ranking.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::NotRecorded => "no stack recorded",
            Status::NotInFile => "stack not in file",
            Status::NoModule => "no module",
            Status::SeveralStacks => "several stacks",
            Status::NoHeap => "no heap named",
        }
    }
}
