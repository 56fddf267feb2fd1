//! Writes a record as an Avro datum, straight from its fields: the counterpart of [`crate::skim`], for the path that every
//! event takes.
//!
//! The general codec looks each field up by its name. Here a record's fields stand in the order of the schema and its
//! symbols as well, which the contract's types do; a type that does not is refused. That the bytes are those of the general
//! codec is a property test (`tests/contract/bytes.rs`).

use crate::canonical::refused;
use crate::skim::{Flaw, Shape};
use serde::Serialize;
use serde::ser::{SerializeSeq, SerializeStruct, Serializer};
use std::fmt::Display;

/// Avro datum of a record of this shape.
///
/// # Errors
/// When type and shape have come apart.
pub(crate) fn write<T: Serialize>(record: &T, shape: &Shape) -> Result<Vec<u8>, Flaw> {
    let mut out = Vec::with_capacity(1024);
    append(record, shape, &mut out)?;
    Ok(out)
}

/// The same, behind what `out` holds.
///
/// # Errors
/// As [`write`].
pub(crate) fn append<T: Serialize>(record: &T, shape: &Shape, out: &mut Vec<u8>) -> Result<(), Flaw> {
    record.serialize(Writer { out, shape })
}

impl serde::ser::Error for Flaw {
    /// The text may quote a value, so it is not taken over.
    fn custom<T: Display>(_: T) -> Self {
        Self::Type
    }
}

/// Writes one value.
struct Writer<'o, 's> {
    out: &'o mut Vec<u8>,
    shape: &'s Shape,
}

impl<'o, 's> Writer<'o, 's> {
    /// The one branch beside null, with its index before it.
    fn present(self) -> Result<Writer<'o, 's>, Flaw> {
        let Shape::Union(branches) = self.shape else { return Err(Flaw::Type) };
        let present = branches.iter().position(|branch| !matches!(branch, Shape::Null));
        let branch = present.ok_or(Flaw::Type)?;
        length(self.out, branch)?;
        let shape = branches.get(branch).ok_or(Flaw::Type)?;
        Ok(Writer { out: self.out, shape })
    }
}

/// An int or a long: zigzag, seven bits in each byte, least significant first.
fn long(out: &mut Vec<u8>, value: i64) {
    let mut bits = (value << 1 ^ value >> 63).cast_unsigned();
    loop {
        let [low, ..] = bits.to_le_bytes();
        bits >>= 7;
        if bits == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// A length, a count or an index.
fn length(out: &mut Vec<u8>, value: usize) -> Result<(), Flaw> {
    long(out, i64::try_from(value).map_err(|_| Flaw::Type)?);
    Ok(())
}

/// The items of an array, in one block.
struct Items<'o, 's> {
    out: &'o mut Vec<u8>,
    item: &'s Shape,
    /// How many are still to come.
    left: usize,
}

impl SerializeSeq for Items<'_, '_> {
    type Ok = ();
    type Error = Flaw;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Flaw> {
        self.left = self.left.checked_sub(1).ok_or(Flaw::Type)?;
        item.serialize(Writer { out: self.out, shape: self.item })
    }

    fn end(self) -> Result<(), Flaw> {
        if self.left > 0 {
            return Err(Flaw::Type);
        }
        long(self.out, 0);
        Ok(())
    }
}

/// The fields of a record, in the order of the schema.
struct Fields<'o, 's> {
    out: &'o mut Vec<u8>,
    fields: std::slice::Iter<'s, (String, Shape)>,
}

impl SerializeStruct for Fields<'_, '_> {
    type Ok = ();
    type Error = Flaw;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Flaw> {
        match self.fields.next() {
            Some((next, shape)) if next == name => value.serialize(Writer { out: self.out, shape }),
            _ => Err(Flaw::Type),
        }
    }

    fn end(self) -> Result<(), Flaw> {
        if self.fields.as_slice().is_empty() { Ok(()) } else { Err(Flaw::Type) }
    }
}

impl<'o, 's> Serializer for Writer<'o, 's> {
    type Ok = ();
    type Error = Flaw;
    type SerializeSeq = Items<'o, 's>;
    type SerializeStruct = Fields<'o, 's>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), Flaw> {
        let Shape::Boolean = self.shape else { return Err(Flaw::Type) };
        self.out.push(u8::from(value));
        Ok(())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Flaw> {
        let Shape::Int = self.shape else { return Err(Flaw::Type) };
        long(self.out, value.into());
        Ok(())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Flaw> {
        let Shape::Long = self.shape else { return Err(Flaw::Type) };
        long(self.out, value);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Flaw> {
        let Shape::Bytes(8) = self.shape else { return Err(Flaw::Type) };
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), Flaw> {
        let Shape::Text = self.shape else { return Err(Flaw::Type) };
        length(self.out, text.len())?;
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Flaw> {
        match self.shape {
            Shape::Bytes(count) if *count == bytes.len() => self.out.extend_from_slice(bytes),
            _ => return Err(Flaw::Type),
        }
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Flaw> {
        let index = usize::try_from(index).map_err(|_| Flaw::Type)?;
        match self.shape {
            Shape::Enum(symbols) if index < *symbols => length(self.out, index),
            _ => Err(Flaw::Type),
        }
    }

    fn serialize_none(self) -> Result<(), Flaw> {
        let Shape::Union(branches) = self.shape else { return Err(Flaw::Type) };
        let null = branches.iter().position(|branch| matches!(branch, Shape::Null));
        length(self.out, null.ok_or(Flaw::Type)?)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Flaw> {
        value.serialize(self.present()?)
    }

    fn serialize_seq(self, count: Option<usize>) -> Result<Items<'o, 's>, Flaw> {
        let (Shape::Array(item), Some(count)) = (self.shape, count) else { return Err(Flaw::Type) };
        if count > 0 {
            length(self.out, count)?;
        }
        Ok(Items { out: self.out, item, left: count })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'o, 's>, Flaw> {
        let Shape::Record(fields) = self.shape else { return Err(Flaw::Type) };
        Ok(Fields { out: self.out, fields: fields.iter() })
    }

    refused!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Pair {
        first: i64,
        second: Option<i32>,
    }

    fn pair(first: &str, second: &str) -> Shape {
        let optional = Shape::Union(vec![Shape::Null, Shape::Int]);
        Shape::Record(vec![(first.to_owned(), Shape::Long), (second.to_owned(), optional)])
    }

    #[test]
    fn fields_stand_in_the_order_of_the_schema_or_are_refused() {
        let record = Pair { first: -65, second: Some(1) };
        assert_eq!(write(&record, &pair("first", "second")).unwrap(), [0x81, 0x01, 0x02, 0x02]);
        assert!(write(&record, &pair("second", "first")).is_err());
        assert!(write(&record, &Shape::Record(vec![("first".to_owned(), Shape::Long)])).is_err());
        assert!(write(&record, &Shape::Text).is_err());
    }

    #[test]
    fn numbers_are_zigzag() {
        for (value, bytes) in [
            (0, &[0x00][..]),
            (-1, &[0x01]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (i64::MAX, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ] {
            let mut out = Vec::new();
            long(&mut out, value);
            assert_eq!(out, bytes, "{value}");
        }
    }
}
