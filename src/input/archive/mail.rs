//! Mails with attachments, as a mail program saves them (`.eml`), and mails forwarded in them.
//!
//! Source: RFC 5322 and RFC 2045 to 2047; read by the crate `mailparse`. A mail of plain text alone is no archive: the log that
//! was pasted into it is read as text.

use std::io::{self, Read};

use mailparse::{MailHeaderMap, ParsedMail, parse_headers, parse_mail};

use super::{Format, Input, fault::Fault, limits::Sizes, names, walk::Level};

/// The format.
pub struct Mail;

impl Format for Mail {
    fn name(&self) -> &'static str {
        "a mail"
    }

    /// Headers, of which one says that more than plain text follows.
    fn begins(&self, start: &[u8]) -> bool {
        let start = &start[skipped(start)..];
        let first = start.split(|byte| *byte == b':').next().unwrap_or_default();
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        if !(2..=100).contains(&first.len()) || !first.iter().all(is_letter) {
            return false;
        }
        let Ok((headers, _)) = parse_headers(start) else { return false };
        let value = |name| headers.get_first_value(name).unwrap_or_default().trim().to_ascii_lowercase();
        let packed = matches!(value("Content-Transfer-Encoding").as_str(), "base64" | "quoted-printable");
        let kind = value("Content-Type");
        !kind.is_empty() && (kind.starts_with("multipart/") || packed)
    }

    fn walk(&self, input: Input<'_>, level: &mut Level<'_, '_>) -> Result<(), Fault> {
        let most = level.rules().limits.memory_bytes;
        let mut bytes = Vec::new();
        input.stream().take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(Fault::Limit("memory_bytes", most));
        }
        let bytes = &bytes[skipped(&bytes)..];
        let mail = parse_mail(bytes).map_err(|_| Fault::changed())?;
        let sent = mail.headers.get_first_value("Date").and_then(|date| mailparse::dateparse(&date).ok());
        for (index, part) in mail.parts().filter(|part| part.subparts.is_empty()).enumerate() {
            let Some(member) = level.member(&name(part, index), None, sent)? else { continue };
            let (body, is_whole) = body(part);
            level.open(member, Sizes::default(), &mut Body { rest: &body, is_whole });
            if level.is_over() {
                return Ok(());
            }
        }
        let end = mail.ctype.params.get("boundary").map(|boundary| format!("--{boundary}--"));
        match end {
            Some(end) if memchr::memmem::find(bytes, end.as_bytes()).is_none() => {
                Err(Fault::Damaged("it ends before its last part does".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// Bytes before the first header: a byte-order mark, blank lines, and the line that a mailbox has before each mail.
fn skipped(start: &[u8]) -> usize {
    let mark = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start);
    let text = mark.trim_ascii_start();
    let line = text.strip_prefix(b"From ").and_then(|rest| memchr::memchr(b'\n', rest));
    start.len() - text.len() + line.map_or(0, |end| b"From ".len() + end + 1)
}

/// What a part holds, and whether that is all of it: what follows bytes that cannot be decoded is lost.
fn body(part: &ParsedMail<'_>) -> (Vec<u8>, bool) {
    if let Ok(body) = part.get_body_raw() {
        return (body, true);
    }
    let mailparse::body::Body::Base64(encoded) = part.get_body_encoded() else { return (Vec::new(), false) };
    let mut digits: Vec<u8> = encoded.get_raw().iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let known = digits.iter().position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')));
    digits.truncate(known.unwrap_or(digits.len()) & !3);
    (data_encoding::BASE64.decode(&digits).unwrap_or_default(), false)
}

/// Bytes that may end before they should.
struct Body<'a> {
    rest: &'a [u8],
    is_whole: bool,
}

impl Read for Body<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.rest.read(out)? {
            0 if !self.is_whole && !out.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            count => Ok(count),
        }
    }
}

/// The name of a part: its own, else its number.
fn name(part: &ParsedMail<'_>, index: usize) -> String {
    let name =
        part.get_content_disposition().params.remove("filename").or_else(|| part.ctype.params.get("name").cloned());
    let end = match part.ctype.mimetype.as_str() {
        "text/plain" => "txt",
        "text/html" => "html",
        "message/rfc822" => "eml",
        _ => "bin",
    };
    name.map_or_else(|| format!("part-{}.{end}", index + 1), |name| names::slashed(&name))
}
