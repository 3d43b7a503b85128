//! SystemInfo, MiscInfo, Exception and comments: what is known of the process as a whole.

use minidump::{
    Endian, MinidumpMiscInfo, MinidumpStream, MinidumpSystemInfo,
    system_info::{Cpu, Os, PointerWidth},
};

use super::{directory::Stream, fields::Fields, shared::Shared};
use crate::error::Severity;

/// The header of a dump.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DumpHeader {
    /// When it was taken, seconds since 1970 UTC.
    pub taken_at: Option<i64>,
    /// `MINIDUMP_TYPE`, as the writer was asked for; it does not say which streams there are.
    pub flags: u64,
    /// Process id.
    pub pid: Option<u32>,
    /// When the process was made, seconds since 1970 UTC.
    pub process_created_at: Option<i64>,
    /// Seconds of CPU time outside the kernel.
    pub user_time: Option<u32>,
    /// Seconds of CPU time in the kernel.
    pub kernel_time: Option<u32>,
    /// 32 or 64.
    pub pointer_width: u32,
    /// `windows`, `linux`, `macos`, …; absent without SystemInfo.
    pub os: Option<String>,
    /// `10.0.22000`; absent if the writer left it out.
    pub os_version: Option<String>,
    /// Name of the service pack; on other systems than Windows, the words of the writer for its version.
    pub service_pack: Option<String>,
    /// `x86`, `amd64`, `arm64`, …
    pub cpu: Option<String>,
    /// Processors of the machine.
    pub processor_count: Option<u32>,
    /// Words that were put in with the dump; procdump writes its command line here.
    pub comment: Option<String>,
    /// The exception for which the dump was taken.
    pub exception: Option<Exception>,
}

/// The exception for which a dump was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exception {
    /// `ExceptionCode`.
    pub code: u32,
    /// Where it happened.
    pub address: u64,
    /// In which thread.
    pub thread_id: u32,
}

/// Reads SystemInfo into the header.
pub fn system<'a>(shared: &mut Shared<'a>, stream: &Stream<'a>, header: &mut DumpHeader) -> Option<MinidumpSystemInfo> {
    // The crate would look for the service pack in the whole file, without a bound: it gets no file.
    let Ok(info) = MinidumpSystemInfo::read(stream.bytes, &[], Endian::Little, None) else {
        cut(shared, stream);
        return None;
    };
    let raw = &info.raw;
    header.os = Some(os_name(info.os));
    // Writers on other systems put their version into words and leave these numbers out.
    let version = [raw.major_version, raw.minor_version, raw.build_number];
    header.os_version = version.iter().any(|number| *number != 0).then(|| version.map(|n| n.to_string()).join("."));
    header.cpu = Some(match info.cpu {
        Cpu::Unknown(number) => format!("{number:#06x}"),
        cpu => cpu.to_string(),
    });
    header.processor_count = Some(raw.number_of_processors.into()).filter(|count| *count != 0);
    header.service_pack = shared.text(raw.csd_version_rva.into(), stream.place()).filter(|words| !words.is_empty());
    match info.cpu.pointer_width() {
        PointerWidth::Bits32 => header.pointer_width = 32,
        PointerWidth::Bits64 => header.pointer_width = 64,
        PointerWidth::Unknown => {}
    }
    Some(info)
}

fn os_name(os: Os) -> String {
    match os {
        Os::MacOs => "macos".to_owned(),
        Os::Unknown(number) => format!("{number:#06x}"),
        os => os.to_string(),
    }
}

/// Reads MiscInfo into the header.
pub fn misc(shared: &mut Shared<'_>, stream: &Stream<'_>, header: &mut DumpHeader) {
    let Ok(info) = MinidumpMiscInfo::read(stream.bytes, &[], Endian::Little, None) else {
        cut(shared, stream);
        return;
    };
    header.pid = info.raw.process_id().copied();
    header.process_created_at =
        info.raw.process_create_time().map(|seconds| i64::from(*seconds)).filter(|seconds| *seconds != 0);
    header.user_time = info.raw.process_user_time().copied();
    header.kernel_time = info.raw.process_kernel_time().copied();
}

/// Reads Exception into the header.
pub fn exception(shared: &mut Shared<'_>, stream: &Stream<'_>, header: &mut DumpHeader) {
    if stream.bytes.len() < 32 {
        cut(shared, stream);
        return;
    }
    let fields = Fields(stream.bytes);
    let address = shared.address(fields.u64(24));
    header.exception = Some(Exception { code: fields.u32(8), address, thread_id: fields.u32(0) });
}

/// Reads CommentStreamW into the header.
pub fn wide_comment(shared: &mut Shared<'_>, stream: &Stream<'_>, header: &mut DumpHeader) {
    let (units, _) = stream.bytes.as_chunks::<2>();
    let end = units.iter().position(|unit| *unit == [0, 0]).map_or(stream.bytes.len(), |at| 2 * at);
    header.comment = shared.utf16(&stream.bytes[..end], stream.place()).filter(|words| !words.is_empty());
}

/// Reads CommentStreamA into the header; it counts where CommentStreamW says nothing.
pub fn ansi_comment(shared: &mut Shared<'_>, stream: &Stream<'_>, header: &mut DumpHeader) {
    let end = memchr::memchr(0, stream.bytes).unwrap_or(stream.bytes.len());
    let bytes = &stream.bytes[..end];
    let words = match std::str::from_utf8(bytes) {
        Ok(words) => words.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    };
    header.comment = shared.keep(words, stream.place()).filter(|words| !words.is_empty());
}

fn cut(shared: &mut Shared<'_>, stream: &Stream<'_>) {
    shared.issues.push(
        Severity::Error,
        "cut_record",
        stream.place(),
        || format!("{} bytes are too few", stream.bytes.len()),
        "its fields are null",
    );
    shared.left_out.push((stream.name, "it is too short"));
}
