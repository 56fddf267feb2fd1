//! Whether a value would be left out of canonical JSON, found without writing it: most fields of most events are absent.

use super::refused;
use serde::Serialize;
use serde::ser::{Error as _, Impossible, SerializeSeq, SerializeStruct, Serializer};
use serde_json::Error;

/// Tells of a value, without writing it, that it is null or an empty list. Of a record it tells nothing.
pub(super) struct IsAbsent;

/// A list or a record that is looked at.
pub(super) struct Looked {
    is_absent: bool,
}

impl SerializeSeq for Looked {
    type Ok = bool;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Error> {
        self.is_absent = false;
        Ok(())
    }

    fn end(self) -> Result<bool, Error> {
        Ok(self.is_absent)
    }
}

impl SerializeStruct for Looked {
    type Ok = bool;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, _: &T) -> Result<(), Error> {
        Ok(())
    }

    fn end(self) -> Result<bool, Error> {
        Ok(self.is_absent)
    }
}

/// Types whose values are always there.
macro_rules! present {
    ($($method:ident($($type:ty),*);)+) => {
        $(fn $method(self, $(_: $type),*) -> Result<bool, Error> {
            Ok(false)
        })+
    };
}

impl Serializer for IsAbsent {
    type Ok = bool;
    type Error = Error;
    type SerializeSeq = Looked;
    type SerializeStruct = Looked;
    type SerializeTuple = Impossible<bool, Error>;
    type SerializeTupleStruct = Impossible<bool, Error>;
    type SerializeTupleVariant = Impossible<bool, Error>;
    type SerializeMap = Impossible<bool, Error>;
    type SerializeStructVariant = Impossible<bool, Error>;

    present! {
        serialize_bool(bool);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_f64(f64);
        serialize_str(&str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, _: &T) -> Result<bool, Error> {
        Ok(false)
    }

    fn serialize_none(self) -> Result<bool, Error> {
        Ok(true)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<bool, Error> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Looked, Error> {
        Ok(Looked { is_absent: true })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Looked, Error> {
        Ok(Looked { is_absent: false })
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Result<bool, Error> {
        Err(Error::custom("not a type of a record"))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<bool, Error> {
        Err(Error::custom("not a type of a record"))
    }

    refused! {
        serialize_i8(i8) -> bool;
        serialize_i16(i16) -> bool;
        serialize_u8(u8) -> bool;
        serialize_u16(u16) -> bool;
        serialize_u32(u32) -> bool;
        serialize_u64(u64) -> bool;
        serialize_f32(f32) -> bool;
        serialize_char(char) -> bool;
        serialize_bytes(&[u8]) -> bool;
        serialize_unit() -> bool;
        serialize_unit_struct(&'static str) -> bool;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
}
