//! What can be wrong with a row that is made at random. What each comes to is seen by the test `every_fault_is_one`.

/// One in four is a fault, and of a kind of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Date,
    Year,
    Age,
    Section,
    Act,
    Pattern,
    Check,
    Value,
    Shape,
    Quotes,
    Utf8,
    Nul,
    TwiceEncoded,
    TooLong,
    TooLarge,
    Secret,
    Restricted,
    Skipped,
    FutureDay,
    SameRecord,
}

pub(super) const FAULTS: [Fault; 20] = [
    Fault::Date,
    Fault::Year,
    Fault::Age,
    Fault::Section,
    Fault::Act,
    Fault::Pattern,
    Fault::Check,
    Fault::Value,
    Fault::Shape,
    Fault::Quotes,
    Fault::Utf8,
    Fault::Nul,
    Fault::TwiceEncoded,
    Fault::TooLong,
    Fault::TooLarge,
    Fault::Secret,
    Fault::Restricted,
    Fault::Skipped,
    Fault::FutureDay,
    Fault::SameRecord,
];
