//! What a stored value looks like, in this and in every earlier layout.
//!
//! The first byte says which layout follows. A value of an earlier one is turned into the next, step by
//! step, whenever it is read, and is written in the newest when the session changes: a store of any age
//! opens at once, and nothing has to be rewritten while people wait.

use std::borrow::Cow;

/// The layout that is written: a stamp and when it expires, both u64 in big-endian seconds since 1970, then the
/// session. The stamp says when it was written, or is one more than the last where that is no later.
const NEWEST: u8 = 2;

/// The oldest layout that is read: when it expires, then the session.
const OLDEST: u8 = 1;

/// Turns what follows the first byte in one layout into what follows it in the next.
type Migration = fn(&[u8]) -> Option<Vec<u8>>;

/// The first turns layout 1 into 2, the second would turn 2 into 3.
const MIGRATIONS: [Migration; (NEWEST - OLDEST) as usize] = [say_when_written];

/// Layout 1 did not say when it was written: anything that does is newer.
fn say_when_written(body: &[u8]) -> Option<Vec<u8>> {
    (body.len() >= 8).then(|| [&0u64.to_be_bytes(), body].concat())
}

/// A stored value, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stored<'v> {
    /// When it was written, in seconds since 1970, and always later than what was there before; 0 where it
    /// isn't known.
    pub written: u64,
    /// When it expires, in seconds since 1970.
    pub expires: u64,
    /// The session.
    pub session: Cow<'v, [u8]>,
}

/// Why a value can't be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It has the layout of a later version.
    Newer,
    /// It is no value at all.
    Damaged,
}

/// Takes a value of any layout apart.
pub(super) fn read(value: &[u8]) -> Result<Stored<'_>, Unreadable> {
    read_with(value, &MIGRATIONS)
}

fn read_with<'v>(value: &'v [u8], migrations: &[Migration]) -> Result<Stored<'v>, Unreadable> {
    let (&layout, body) = value.split_first().ok_or(Unreadable::Damaged)?;
    let known = usize::from(layout.checked_sub(OLDEST).ok_or(Unreadable::Damaged)?);
    let mut body = Cow::Borrowed(body);
    for migrate in migrations.get(known..).ok_or(Unreadable::Newer)? {
        body = Cow::Owned(migrate(&body).ok_or(Unreadable::Damaged)?);
    }
    let number =
        |at: usize| body.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u64::from_be_bytes(*bytes));
    let (written, expires) = number(0).zip(number(8)).ok_or(Unreadable::Damaged)?;
    let session = match body {
        Cow::Borrowed(body) => Cow::Borrowed(&body[16..]),
        Cow::Owned(body) => Cow::Owned(body[16..].to_vec()),
    };
    Ok(Stored { written, expires, session })
}

/// Puts a value together, in the newest layout.
pub(super) fn compose(written: u64, expires: u64, session: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(session.len() + 17);
    value.push(NEWEST);
    value.extend(written.to_be_bytes());
    value.extend(expires.to_be_bytes());
    value.extend(session);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value of layout 1, put together by hand.
    const OLD: &[u8] = b"\x01\0\0\0\0\0\0\0\x09session";

    #[test]
    fn what_is_put_together_is_taken_apart() {
        let value = compose(7, 9, b"session");
        assert_eq!(read(&value), Ok(Stored { written: 7, expires: 9, session: b"session"[..].into() }));
    }

    #[test]
    fn a_value_of_the_first_layout_is_still_read() {
        assert_eq!(read(OLD), Ok(Stored { written: 0, expires: 9, session: b"session"[..].into() }));
    }

    #[test]
    fn a_value_goes_through_every_layout_on_its_way() {
        // A third layout that only marks its session, to see that the second step follows the first.
        let mark: Migration = |body| Some([body, b"!"].concat());
        let later = [say_when_written as Migration, mark];
        assert_eq!(read_with(OLD, &later).map(|stored| stored.session), Ok(b"session!"[..].into()));
        let newest = compose(7, 9, b"session");
        assert_eq!(read_with(&newest, &later).map(|stored| stored.session), Ok(b"session!"[..].into()));
    }

    #[test]
    fn a_value_from_the_future_is_not_taken_for_damage() {
        assert_eq!(read(&[NEWEST + 1, 0, 0]), Err(Unreadable::Newer));
        for damaged in [&b""[..], b"\0", b"\x01short", b"\x02\0\0\0\0\0\0\0\x07short"] {
            assert_eq!(read(damaged), Err(Unreadable::Damaged), "{damaged:?}");
        }
    }
}
