//! Canonical JSON: one text for one content, whoever writes it. RFC 8785 (keys sorted, no white space, numbers
//! as ECMAScript writes them), after null, empty lists and objects without a field are left out.
//!
//! The text that `content_hash` is taken over. It is written in one pass over the value, because every event
//! is hashed at least once. Not a JSON library: it knows the types that records are made of and no others.

mod absent;

use absent::IsAbsent;
use serde::Serialize;
use serde::ser::{Error as _, SerializeSeq, SerializeStruct, Serializer};
use serde_json::Error;
use std::ops::Range;

/// Canonical JSON of a record, leaving out its own fields that `without` names.
///
/// # Errors
/// When the value holds a type that records are not made of.
pub(crate) fn to_string<T: Serialize>(record: &T, without: &[&str]) -> Result<String, Error> {
    let out = Vec::with_capacity(1024);
    let mut writer =
        Writer { out, unordered: Vec::new(), present: Vec::with_capacity(32), depth: 0, without };
    record.serialize(&mut writer)?;
    String::from_utf8(writer.out).map_err(Error::custom)
}

/// A double as ECMAScript's Number.toString writes it; null where it is not finite.
fn number(x: f64) -> String {
    let size = x.abs();
    match x {
        _ if !x.is_finite() => "null".to_owned(),
        _ if size == 0.0 => "0".to_owned(),
        _ if size < 1e-6 => format!("{x:e}"),
        _ if size < 1e21 => x.to_string(),
        _ => format!("{x:e}").replace('e', "e+"),
    }
}

struct Writer<'w> {
    out: Vec<u8>,
    /// The fields of the record that ends, while they are put in order.
    unordered: Vec<u8>,
    /// The fields of all records that are being written, those of the innermost last.
    present: Vec<Present>,
    /// Records around the one that is being written.
    depth: usize,
    without: &'w [&'w str],
}

impl Writer<'_> {
    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }
}

/// A field that is there.
struct Present {
    /// The first eight bytes of its name as a number, in the order of names: it decides nearly always.
    order: u64,
    name: &'static str,
    /// Where it stands, counted from the beginning of its record.
    range: Range<usize>,
}

impl Present {
    fn new(name: &'static str, range: Range<usize>) -> Self {
        let order = name.bytes().chain(std::iter::repeat(0)).take(8);
        Self { order: order.fold(0, |order, byte| order << 8 | u64::from(byte)), name, range }
    }
}

/// The fields of a record, written one after another at the end of the text and put in order at its end.
struct Fields<'a, 'w> {
    writer: &'a mut Writer<'w>,
    start: usize,
    /// How many fields of the records around it stand before its own.
    outer: usize,
}

impl SerializeStruct for Fields<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        // Most fields of most events are absent.
        if value.serialize(IsAbsent)? || (self.writer.depth == 1 && self.writer.without.contains(&name)) {
            return Ok(());
        }
        let from = self.writer.out.len();
        ["\"", name, "\":"].into_iter().for_each(|text| self.writer.put(text));
        let value_from = self.writer.out.len();
        value.serialize(&mut *self.writer)?;
        if matches!(self.writer.out.get(value_from..), Some(b"null" | b"[]" | b"{}")) {
            self.writer.out.truncate(from);
        } else {
            let range = from - self.start..self.writer.out.len() - self.start;
            self.writer.present.push(Present::new(name, range));
        }
        Ok(())
    }

    fn end(self) -> Result<(), Error> {
        let Writer { out, unordered, present, depth, .. } = self.writer;
        *depth -= 1;
        let fields = present.get_mut(self.outer..).unwrap_or_default();
        fields.sort_unstable_by(|one, other| (one.order, one.name).cmp(&(other.order, other.name)));
        unordered.clear();
        unordered.extend_from_slice(out.get(self.start..).unwrap_or_default());
        out.truncate(self.start);
        let mut separator = b'{';
        for Present { range, .. } in fields {
            out.push(separator);
            out.extend_from_slice(unordered.get(range.clone()).unwrap_or_default());
            separator = b',';
        }
        present.truncate(self.outer);
        self.writer.put(if separator == b'{' { "{}" } else { "}" });
        Ok(())
    }
}

struct Items<'a, 'w> {
    writer: &'a mut Writer<'w>,
    separator: &'static str,
}

impl SerializeSeq for Items<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.writer.put(self.separator);
        self.separator = ",";
        item.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Error> {
        self.writer.put("]");
        Ok(())
    }
}

/// The methods of a serializer for types that no record of the contract holds: those that no writer writes, or the ones that are given.
macro_rules! refused {
    () => {
        type SerializeTuple = serde::ser::Impossible<(), Self::Error>;
        type SerializeTupleStruct = serde::ser::Impossible<(), Self::Error>;
        type SerializeTupleVariant = serde::ser::Impossible<(), Self::Error>;
        type SerializeMap = serde::ser::Impossible<(), Self::Error>;
        type SerializeStructVariant = serde::ser::Impossible<(), Self::Error>;

        refused! {
            serialize_i8(i8) -> ();
            serialize_i16(i16) -> ();
            serialize_u8(u8) -> ();
            serialize_u16(u16) -> ();
            serialize_u32(u32) -> ();
            serialize_u64(u64) -> ();
            serialize_f32(f32) -> ();
            serialize_char(char) -> ();
            serialize_unit() -> ();
            serialize_unit_struct(&'static str) -> ();
            serialize_newtype_struct<T>(&'static str, &T) -> ();
            serialize_newtype_variant<T>(&'static str, u32, &'static str, &T) -> ();
            serialize_tuple(usize) -> Self::SerializeTuple;
            serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
            serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
            serialize_map(Option<usize>) -> Self::SerializeMap;
            serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
        }
    };
    ($($method:ident$(<$value:ident>)?($($type:ty),*) -> $ok:ty;)+) => {
        $(fn $method$(<$value: serde::Serialize + ?Sized>)?(self, $(_: $type),*) -> Result<$ok, Self::Error> {
            Err(serde::ser::Error::custom("not a type of a record"))
        })+
    };
}
pub(crate) use refused;

impl<'a, 'w> Serializer for &'a mut Writer<'w> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Items<'a, 'w>;
    type SerializeStruct = Fields<'a, 'w>;

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.put(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        serde_json::to_writer(&mut self.out, &value)
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.put(&number(value));
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        serde_json::to_writer(&mut self.out, text)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, symbol: &'static str) -> Result<(), Error> {
        self.serialize_str(symbol)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.put("null");
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a, 'w>, Error> {
        self.put("[");
        Ok(Items { writer: self, separator: "" })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a, 'w>, Error> {
        self.depth += 1;
        Ok(Fields { start: self.out.len(), outer: self.present.len(), writer: self })
    }

    refused! { serialize_bytes(&[u8]) -> (); }
    refused!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Outer {
        zeta: Option<i32>,
        alpha: Inner,
        mid: Vec<Inner>,
        none: Vec<Inner>,
    }

    #[derive(Default, Serialize)]
    struct Inner {
        text: Option<String>,
        flag: bool,
        zeta: Option<f64>,
    }

    #[test]
    fn keys_are_sorted_and_what_is_absent_is_left_out() {
        let full =
            Inner { text: Some("\"\\/\n\u{1}\u{7f} हिंदी".into()), flag: true, zeta: Some(20.0) };
        let outer = Outer { zeta: Some(-1), alpha: full, mid: vec![Inner::default()], none: vec![] };
        let text = to_string(&outer, &["zeta"]).unwrap();
        let expected =
            r#"{"alpha":{"flag":true,"text":"\"\\/\n\u0001␡ हिंदी","zeta":20},"mid":[{"flag":false}]}"#;
        assert_eq!(text, expected.replace('␡', "\u{7f}"));
    }

    #[test]
    fn a_record_with_nothing_in_it_is_absent() {
        #[derive(Serialize)]
        struct Holder {
            part: Part,
        }
        #[derive(Serialize)]
        struct Part {
            text: Option<String>,
        }
        assert_eq!(to_string(&Holder { part: Part { text: None } }, &[]).unwrap(), "{}");
    }

    /// RFC 8785, appendix B: the bits of a double and its text.
    #[test]
    fn numbers_are_written_as_the_standard_says() {
        for (bits, text) in [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x7ff0_0000_0000_0000, "null"),
            (0x7fff_ffff_ffff_ffff, "null"),
        ] {
            assert_eq!(number(f64::from_bits(bits)), text);
        }
    }
}
