//! A small file in the MaxMind DB format, version 2.0 (<https://maxmind.github.io/MaxMind-DB/>), made by hand.

use std::net::IpAddr;

/// A value of the data section.
pub(super) enum Value {
    Text(&'static str),
    Number16(u16),
    Number32(u32),
    Number64(u64),
    List(Vec<Value>),
    Map(Vec<(&'static str, Value)>),
}

/// A country's record as both GeoLite2-Country and GeoLite2-City begin.
pub(super) fn country(code: &'static str, more: Vec<(&'static str, Value)>) -> Value {
    let names = Value::Map(vec![("en", Value::Text("Somewhere"))]);
    let country = Value::Map(vec![("iso_code", Value::Text(code)), ("names", names)]);
    let registered = Value::Map(vec![("iso_code", Value::Text("ZZ"))]);
    let mut fields = vec![("registered_country", registered), ("country", country)];
    fields.extend(more);
    Value::Map(fields)
}

/// A file that tells of these networks: address, length of the prefix, record.
pub(super) fn file(kind: &'static str, networks: &[(&str, u8, Value)]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut nodes: Vec<[Branch; 2]> = vec![[Branch::Nothing; 2]];
    for (address, prefix, record) in networks {
        let offset = data.len() as u32;
        record.write(&mut data);
        insert(&mut nodes, address.parse().expect("an address"), *prefix, offset);
    }
    let count = nodes.len() as u32;
    let mut file = Vec::new();
    for branch in nodes.iter().flatten() {
        let pointer = match branch {
            Branch::Nothing => count,
            Branch::Node(node) => *node,
            Branch::Data(offset) => count + 16 + offset,
        };
        file.extend_from_slice(&pointer.to_be_bytes()[1..]);
    }
    file.extend_from_slice(&[0; 16]);
    file.extend_from_slice(&data);
    file.extend_from_slice(b"\xAB\xCD\xEFMaxMind.com");
    let metadata = Value::Map(vec![
        ("binary_format_major_version", Value::Number16(2)),
        ("binary_format_minor_version", Value::Number16(0)),
        ("build_epoch", Value::Number64(1_763_600_000)),
        ("database_type", Value::Text(kind)),
        ("description", Value::Map(vec![("en", Value::Text("made by hand"))])),
        ("ip_version", Value::Number16(6)),
        ("languages", Value::List(vec![Value::Text("en")])),
        ("node_count", Value::Number32(count)),
        ("record_size", Value::Number16(24)),
    ]);
    metadata.write(&mut file);
    file
}

#[derive(Clone, Copy)]
enum Branch {
    Nothing,
    Node(u32),
    Data(u32),
}

/// IPv4 networks stand below `::/96`.
fn insert(nodes: &mut Vec<[Branch; 2]>, address: IpAddr, prefix: u8, offset: u32) {
    let (bits, length) = match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 96 + prefix),
        IpAddr::V6(address) => (address.to_bits(), prefix),
    };
    let mut node = 0;
    for depth in 0..length {
        let side = (bits >> (127 - depth) & 1) as usize;
        if depth + 1 == length {
            nodes[node][side] = Branch::Data(offset);
        } else if let Branch::Node(next) = nodes[node][side] {
            node = next as usize;
        } else {
            let next = nodes.len();
            nodes.push([Branch::Nothing; 2]);
            nodes[node][side] = Branch::Node(next as u32);
            node = next;
        }
    }
}

impl Value {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => {
                text_header(text, out);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Number16(number) => {
                out.push(5 << 5 | 2);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::Number32(number) => {
                out.push(6 << 5 | 4);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::Number64(number) => {
                out.extend_from_slice(&[8, 9 - 7]);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::List(values) => {
                out.extend_from_slice(&[values.len() as u8, 11 - 7]);
                values.iter().for_each(|value| value.write(out));
            }
            Self::Map(fields) => {
                out.push(7 << 5 | fields.len() as u8);
                for (key, value) in fields {
                    Self::Text(key).write(out);
                    value.write(out);
                }
            }
        }
    }
}

fn text_header(text: &str, out: &mut Vec<u8>) {
    if text.len() < 29 {
        out.push(2 << 5 | text.len() as u8);
    } else {
        out.extend_from_slice(&[2 << 5 | 29, (text.len() - 29) as u8]);
    }
}
