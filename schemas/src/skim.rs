//! Walks an Avro datum along its schema without building values: what nobody asks for is checked and skipped.
//!
//! It knows Avro's binary encoding (Apache Avro 1.12, "Binary encoding") and no record of ours; [`crate::outline`]
//! says what is wanted. Checked are lengths, UTF-8, symbols and branches: whatever it lets pass, any Avro reader reads.

use apache_avro::Schema;
use apache_avro::schema::Name;
use std::collections::HashMap;

/// The encoding of a schema: all that is needed to step over a value.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Null,
    Boolean,
    Int,
    Long,
    /// Float, double and fixed: so many bytes.
    Bytes(usize),
    /// Bytes with their length before them.
    Blob,
    Text,
    /// Number of symbols.
    Enum(usize),
    Array(Box<Self>),
    Union(Vec<Self>),
    Record(Vec<(String, Self)>),
}

/// Why a datum does not follow its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flaw {
    #[error("it is cut short")]
    CutShort,
    #[error("a value of it does not have the type of its field")]
    Type,
}

impl Shape {
    /// The shape of a schema; `None` where it has a type that no contract of ours uses.
    pub(crate) fn of(schema: &Schema) -> Option<Self> {
        shape(schema, &mut HashMap::new())
    }

    /// The shape of a record's field.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Record(fields) = self else { return None };
        fields.iter().find(|(field, _)| field == name).map(|(_, shape)| shape)
    }
}

fn shape(schema: &Schema, named: &mut HashMap<Name, Shape>) -> Option<Shape> {
    let (name, shape) = match schema {
        Schema::Null => return Some(Shape::Null),
        Schema::Boolean => return Some(Shape::Boolean),
        Schema::Int => return Some(Shape::Int),
        Schema::Long | Schema::TimestampMillis => return Some(Shape::Long),
        Schema::Float => return Some(Shape::Bytes(4)),
        Schema::Double => return Some(Shape::Bytes(8)),
        Schema::Bytes => return Some(Shape::Blob),
        Schema::String => return Some(Shape::Text),
        Schema::Ref { name } => return named.get(name).cloned(),
        Schema::Array(array) => return Some(Shape::Array(Box::new(shape(&array.items, named)?))),
        Schema::Union(union) => {
            let branches = union.variants().iter().map(|branch| shape(branch, named));
            return branches.collect::<Option<_>>().map(Shape::Union);
        }
        Schema::Fixed(fixed) => (&fixed.name, Shape::Bytes(fixed.size)),
        Schema::Enum(of) => (&of.name, Shape::Enum(of.symbols.len())),
        Schema::Record(record) => {
            let field = |field: &apache_avro::schema::RecordField, named: &mut HashMap<_, _>| {
                Some((field.name.clone(), shape(&field.schema, named)?))
            };
            let fields = record.fields.iter().map(|of_record| field(of_record, named));
            (&record.name, Shape::Record(fields.collect::<Option<_>>()?))
        }
        _ => return None,
    };
    named.insert(name.clone(), shape.clone());
    Some(shape)
}

/// A place in a datum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) const fn new(datum: &'a [u8]) -> Self {
        Self(datum)
    }

    /// What is left.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// An int or a long: zigzag, seven bits in each byte, least significant first.
    fn long(&mut self) -> Result<i64, Flaw> {
        let mut bits = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first().ok_or(Flaw::CutShort)?;
            bits |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed());
            }
        }
        Err(Flaw::Type)
    }

    fn boolean(&mut self) -> Result<bool, Flaw> {
        match self.take(1)? {
            [bit @ (0 | 1)] => Ok(*bit == 1),
            _ => Err(Flaw::Type),
        }
    }

    fn text(&mut self) -> Result<&'a str, Flaw> {
        std::str::from_utf8(self.blob()?).map_err(|_| Flaw::Type)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        self.take(N)?.first_chunk().copied().ok_or(Flaw::CutShort)
    }

    /// Index of a symbol or of a branch, below `count`.
    fn index(&mut self, count: usize) -> Result<usize, Flaw> {
        usize::try_from(self.long()?).ok().filter(|index| *index < count).ok_or(Flaw::Type)
    }

    /// Reads each item of an array. A block of a negative count has its size in bytes after it.
    fn items<E: From<Flaw>>(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), E>) -> Result<(), E> {
        loop {
            let count = self.long()?;
            if count < 0 {
                self.long()?;
            }
            let count = usize::try_from(count.unsigned_abs()).map_err(|_| Flaw::Type)?;
            if count == 0 {
                return Ok(());
            }
            // No item of ours takes no bytes, so a larger count is a lie that would keep this loop busy for ever.
            if count > self.0.len() {
                return Err(Flaw::CutShort.into());
            }
            (0..count).try_for_each(|_| item(self))?;
        }
    }

    fn skip(&mut self, shape: &Shape) -> Result<(), Flaw> {
        match shape {
            Shape::Null => Ok(()),
            Shape::Boolean => self.boolean().map(drop),
            Shape::Int => i32::try_from(self.long()?).map(drop).map_err(|_| Flaw::Type),
            Shape::Long => self.long().map(drop),
            Shape::Bytes(count) => self.take(*count).map(drop),
            Shape::Blob => self.blob().map(drop),
            Shape::Text => self.text().map(drop),
            Shape::Enum(symbols) => self.index(*symbols).map(drop),
            Shape::Array(item) => self.items(|cursor| cursor.skip(item)),
            Shape::Union(branches) => {
                let branch = self.index(branches.len())?;
                branches.get(branch).map_or(Err(Flaw::Type), |branch| self.skip(branch))
            }
            Shape::Record(fields) => fields.iter().try_for_each(|(_, shape)| self.skip(shape)),
        }
    }

    fn blob(&mut self) -> Result<&'a [u8], Flaw> {
        let length = usize::try_from(self.long()?).map_err(|_| Flaw::Type)?;
        self.take(length)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Flaw> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Flaw::CutShort)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// A walk through the fields of a record, in the order of the schema. Asking for a field skips those before it.
#[derive(Debug)]
pub(crate) struct Walk<'c, 's, 'a> {
    cursor: &'c mut Cursor<'a>,
    fields: std::slice::Iter<'s, (String, Shape)>,
}

impl<'c, 's, 'a> Walk<'c, 's, 'a> {
    pub(crate) fn through(record: &'s Shape, cursor: &'c mut Cursor<'a>) -> Result<Self, Flaw> {
        let Shape::Record(fields) = record else { return Err(Flaw::Type) };
        Ok(Self { cursor, fields: fields.iter() })
    }

    pub(crate) fn long(&mut self, name: &str) -> Result<i64, Flaw> {
        self.to(name)?;
        self.cursor.long()
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<&'a str, Flaw> {
        self.to(name)?;
        self.cursor.text()
    }

    pub(crate) fn fixed<const N: usize>(&mut self, name: &str) -> Result<[u8; N], Flaw> {
        self.to(name)?;
        self.cursor.fixed()
    }

    /// A text that may be null.
    pub(crate) fn optional_text(&mut self, name: &str) -> Result<Option<&'a str>, Flaw> {
        match self.branch(name)? {
            Shape::Null => Ok(None),
            Shape::Text => self.cursor.text().map(Some),
            _ => Err(Flaw::Type),
        }
    }

    /// An int that may be null.
    pub(crate) fn optional_int(&mut self, name: &str) -> Result<Option<i32>, Flaw> {
        match self.branch(name)? {
            Shape::Null => Ok(None),
            Shape::Int => i32::try_from(self.cursor.long()?).map(Some).map_err(|_| Flaw::Type),
            _ => Err(Flaw::Type),
        }
    }

    /// A boolean that may be null.
    pub(crate) fn optional_boolean(&mut self, name: &str) -> Result<Option<bool>, Flaw> {
        match self.branch(name)? {
            Shape::Null => Ok(None),
            Shape::Boolean => self.cursor.boolean().map(Some),
            _ => Err(Flaw::Type),
        }
    }

    pub(crate) fn boolean(&mut self, name: &str) -> Result<bool, Flaw> {
        self.to(name)?;
        self.cursor.boolean()
    }

    /// Reads a record that may be null.
    pub(crate) fn optional_inside<T, E: From<Flaw>>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Walk<'_, 's, 'a>) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        match self.branch(name)? {
            Shape::Null => Ok(None),
            shape => whole(shape, self.cursor, read).map(Some),
        }
    }

    /// The branch of a union that follows.
    fn branch(&mut self, name: &str) -> Result<&'s Shape, Flaw> {
        let Shape::Union(branches) = self.to(name)? else { return Err(Flaw::Type) };
        branches.get(self.cursor.index(branches.len())?).ok_or(Flaw::Type)
    }

    /// Index of an enum's symbol.
    pub(crate) fn symbol(&mut self, name: &str) -> Result<usize, Flaw> {
        let Shape::Enum(symbols) = self.to(name)? else { return Err(Flaw::Type) };
        self.cursor.index(*symbols)
    }

    /// Reads a record inside this one.
    pub(crate) fn inside<T, E: From<Flaw>>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Walk<'_, 's, 'a>) -> Result<T, E>,
    ) -> Result<T, E> {
        let shape = self.to(name)?;
        whole(shape, self.cursor, read)
    }

    /// Reads each record of an array.
    pub(crate) fn each<E: From<Flaw>>(
        &mut self,
        name: &str,
        mut read: impl FnMut(&mut Walk<'_, 's, 'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Shape::Array(shape) = self.to(name)? else { return Err(Flaw::Type.into()) };
        self.cursor.items(|cursor| whole(shape, cursor, &mut read))
    }

    /// Reads each text of an array.
    pub(crate) fn texts<E: From<Flaw>>(
        &mut self,
        name: &str,
        mut read: impl FnMut(&'a str) -> Result<(), E>,
    ) -> Result<(), E> {
        self.to(name)?;
        self.cursor.items(|cursor| read(cursor.text()?))
    }

    /// Skips the fields that are left.
    pub(crate) fn end(mut self) -> Result<(), Flaw> {
        self.fields.try_for_each(|(_, shape)| self.cursor.skip(shape))
    }

    fn to(&mut self, name: &str) -> Result<&'s Shape, Flaw> {
        for (known, shape) in self.fields.by_ref() {
            if known == name {
                return Ok(shape);
            }
            self.cursor.skip(shape)?;
        }
        Err(Flaw::Type)
    }
}

/// Reads a record to its end.
fn whole<'s, 'a, T, E: From<Flaw>>(
    record: &'s Shape,
    cursor: &mut Cursor<'a>,
    read: impl FnOnce(&mut Walk<'_, 's, 'a>) -> Result<T, E>,
) -> Result<T, E> {
    let mut walk = Walk::through(record, cursor)?;
    let value = read(&mut walk)?;
    walk.end()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_zigzag_and_bounded() {
        let read = |bytes: &[u8]| Cursor::new(bytes).long();
        assert_eq!(read(&[0]), Ok(0));
        assert_eq!(read(&[1]), Ok(-1));
        assert_eq!(read(&[0x80, 0x01]), Ok(64));
        let largest = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(read(&largest), Ok(i64::MAX));
        assert_eq!(read(&[0xff; 10]), Err(Flaw::Type));
        assert_eq!(read(&[0x80]), Err(Flaw::CutShort));
    }

    #[test]
    fn blocks_may_name_their_size_and_may_not_lie() {
        let items = |bytes: &[u8]| {
            let (mut cursor, mut found) = (Cursor::new(bytes), Vec::new());
            cursor.items(|item| item.long().map(|number| found.push(number)))?;
            Ok::<_, Flaw>((found, cursor.rest().len()))
        };
        assert_eq!(items(&[4, 2, 4, 0, 9]), Ok((vec![1, 2], 1)));
        assert_eq!(items(&[3, 4, 2, 4, 2, 6, 0]), Ok((vec![1, 2, 3], 0)), "two blocks, one with its size");
        assert_eq!(items(&[0x7e, 2]), Err(Flaw::CutShort));
    }
}
