//! The pool: its stock against a model, and the whole of it with providers that do as told.

mod model;
mod races;
mod records;
mod supply;
mod support;
mod trouble;
