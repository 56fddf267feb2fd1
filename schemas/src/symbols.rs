//! One macro for closed sets of symbols (Avro enums, reasons), so that the symbol in the schema, in JSON,
//! in a header and in a metric label is written once. Not for open vocabularies: those are strings.

/// Defines an enum whose variants carry their symbol, with `ALL`, `as_str`, `FromStr`, `Display`, `Default`
/// (the first variant unless `default` names another) and serde.
macro_rules! symbols {
    ($(#[$meta:meta])* $name:ident default $default:ident { $($(#[$doc:meta])* $variant:ident = $symbol:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $symbol)] $variant,)+ }

        impl $name {
            /// Every symbol, in the order of the schema.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The symbol as it stands in the schema.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $symbol,)+ }
            }
        }

        impl Default for $name {
            fn default() -> Self { Self::$default }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.pad(self.as_str()) }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::event::UnknownSymbol;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|symbol| symbol.as_str() == text).ok_or_else(|| {
                    $crate::event::UnknownSymbol {
                        set: stringify!($name),
                        symbol: text.chars().take(64).collect(),
                        known: Self::ALL.iter().map(|symbol| symbol.as_str()).collect::<Vec<_>>().join(", "),
                    }
                })
            }
        }
    };
}
pub(crate) use symbols;
