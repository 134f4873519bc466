//! What the format's headers are made of: the types of their fields, from the first on.
//!
//! After `parquet.thrift`, as far as the decoder reads it. It lacks names, and what the decoder passes over.

/// The type of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Bool,
    Byte,
    I16,
    I32,
    I64,
    Double,
    Binary,
    List(&'static Shape),
    Struct(&'static [Shape]),
}

use Shape::{Binary, Bool, Byte, Double, I16, I32, I64, List, Struct};

const EMPTY: Shape = Struct(&[]);

const STATISTICS: Shape = Struct(&[Binary, Binary, I64, I64, Binary, Binary, Bool, Bool, I64]);

/// Kind, bytes decompressed and compressed, checksum; then data page, index page, dictionary, data page of version 2.
pub(super) const PAGE_HEADER: [Shape; 8] = [
    I32,
    I32,
    I32,
    I32,
    Struct(&[I32, I32, I32, I32, STATISTICS]),
    EMPTY,
    Struct(&[I32, I32, Bool]),
    Struct(&PAGE_HEADER_V2),
];

pub(super) const PAGE_HEADER_V2: [Shape; 8] = [I32, I32, I32, I32, I32, I32, Bool, STATISTICS];

const TIME: Shape = Struct(&[Bool, Struct(&[EMPTY, EMPTY, EMPTY])]);

const LOGICAL_TYPE: Shape = Struct(&[
    EMPTY,
    EMPTY,
    EMPTY,
    EMPTY,
    Struct(&[I32, I32]),
    EMPTY,
    TIME,
    TIME,
    EMPTY,
    Struct(&[Byte, Bool]),
    EMPTY,
    EMPTY,
    EMPTY,
    EMPTY,
    EMPTY,
    Struct(&[Byte]),
    Struct(&[Binary]),
    Struct(&[Binary, I32]),
]);

/// The fourth is the name, the fifth the number of children.
pub(super) const SCHEMA_ELEMENT: [Shape; 10] = [I32, I32, I32, Binary, I32, I32, I32, I32, I32, LOGICAL_TYPE];

const KEY_VALUES: Shape = List(&Struct(&[Binary, Binary]));

const COLUMN_METADATA: Shape = Struct(&[
    I32,
    List(&I32),
    List(&Binary),
    I32,
    I64,
    I64,
    I64,
    KEY_VALUES,
    I64,
    I64,
    I64,
    STATISTICS,
    List(&Struct(&[I32, I32, I32])),
    I64,
    I32,
    Struct(&[I64, List(&I64), List(&I64)]),
    Struct(&[Struct(&[Double, Double, Double, Double, Double, Double, Double, Double]), List(&I32)]),
]);

const ENCRYPTION: Shape = Struct(&[EMPTY, Struct(&[List(&Binary), Binary])]);

const COLUMN: Shape = Struct(&[Binary, I64, COLUMN_METADATA, I64, I32, I64, I32, ENCRYPTION, Binary]);

const SORTING: Shape = List(&Struct(&[I32, Bool, Bool]));

const ROW_GROUP: Shape = Struct(&[List(&COLUMN), I64, I64, SORTING, I64, I64, I16]);

/// Version, schema, rows, row groups, notes, writer, orders of columns.
pub(super) const FOOTER: [Shape; 7] = [
    I32,
    List(&Struct(&SCHEMA_ELEMENT)),
    I64,
    List(&ROW_GROUP),
    KEY_VALUES,
    Binary,
    List(&Struct(&[EMPTY, EMPTY, EMPTY])),
];
