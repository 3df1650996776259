//! Settings whose value is one of a few words.

use config::Value;

/// Defines an enum with a word for each variant, and reads it from the settings.
macro_rules! words {
    (
        $(#[$about:meta])*
        pub enum $name:ident { $($(#[$variant_about:meta])* $variant:ident = $word:literal,)+ }
    ) => {
        $(#[$about])*
        pub enum $name { $($(#[$variant_about])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its word in the settings.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl $crate::settings::value::FromSetting for $name {
            fn from_setting(value: &config::Value) -> Result<Self, String> {
                $crate::settings::words::read(value, Self::ALL, Self::name)
            }
        }
    };
}
pub(super) use words;

/// The one of `all` whose name `value` is. A number in a file may be meant as a word, too.
pub(super) fn read<T: Copy>(
    value: &Value,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<T, String> {
    let text = value.clone().into_string().unwrap_or_default();
    let found = all.iter().copied().find(|it| name(*it) == text);
    found.ok_or_else(|| {
        let words: Vec<_> = all.iter().map(|it| format!("\"{}\"", name(*it))).collect();
        let (last, others) = words.split_last().expect("there are words");
        format!("expected {} or {last}", others.join(", "))
    })
}
