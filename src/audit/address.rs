//! How much of a client's address is written.

use std::net::IpAddr;

use aws_lc_rs::hmac;
use ipnet::IpNet;

use super::hex;
use crate::{base::secret::Secret, settings::AddressForm};

/// Says what the key is used for, so that a hash here is not the hash of the same address elsewhere.
const LABEL: &[u8] = b"valetkey audit address v1\0";

/// The shortest key, in bytes. There are only 2³² IPv4 addresses: with a key that can be guessed all
/// of their hashes can be made.
const MIN_KEY: usize = 32;

/// The form in which addresses are written.
#[derive(Debug)]
pub(super) enum Addresses {
    Full,
    Truncated,
    Hashed(Box<hmac::Key>),
}

impl Addresses {
    pub(super) fn new(form: AddressForm, key: Option<&Secret>) -> Result<Self, String> {
        match (form, key.map(|key| key.expose().as_bytes())) {
            (AddressForm::Full, _) => Ok(Self::Full),
            (AddressForm::Truncated, _) => Ok(Self::Truncated),
            (AddressForm::Hashed, Some(key)) if key.len() >= MIN_KEY => {
                Ok(Self::Hashed(Box::new(hmac::Key::new(hmac::HMAC_SHA256, key))))
            }
            (AddressForm::Hashed, Some(_)) => Err(format!(
                "audit.address = \"hashed\" needs an identity.hash_key of at least {MIN_KEY} bytes"
            )),
            (AddressForm::Hashed, None) => {
                Err("audit.address = \"hashed\" needs identity.hash_key; \
                 set VALETKEY_HASH_KEY, for example to the output of `openssl rand -hex 32`"
                    .to_owned())
            }
        }
    }

    pub(super) fn write(&self, address: IpAddr) -> String {
        // A socket for both families shows IPv4 clients as ::ffff:…; they are the same clients.
        let address = address.to_canonical();
        match self {
            Self::Full => text(address),
            Self::Truncated => {
                let bits = if address.is_ipv4() { 24 } else { 48 };
                IpNet::new(address, bits)
                    .map_or_else(|_| String::new(), |it| it.trunc().to_string())
            }
            Self::Hashed(key) => {
                let mut text = LABEL.to_vec();
                match address {
                    IpAddr::V4(address) => text.extend(address.octets()),
                    IpAddr::V6(address) => text.extend(address.octets()),
                }
                // 128 bits tell more addresses apart than there are clients.
                hex(&hmac::sign(key, &text).as_ref()[..16])
            }
        }
    }
}

/// IPv4 by hand: the library's formatting is a hundredth of what a token costs.
fn text(address: IpAddr) -> String {
    let IpAddr::V4(address) = address else { return address.to_string() };
    let mut text = String::with_capacity("255.255.255.255".len());
    for octet in address.octets() {
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(itoa::Buffer::new().format(octet));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(form: AddressForm, addresses: [&str; 3]) -> [String; 3] {
        let key = Secret::new("0123456789abcdef0123456789abcdef");
        let form = Addresses::new(form, Some(&key)).unwrap();
        addresses.map(|address| form.write(address.parse().unwrap()))
    }

    const ADDRESSES: [&str; 3] = ["203.0.113.7", "::ffff:203.0.113.7", "2001:db8:1:2::3"];

    #[test]
    fn full_is_canonical() {
        let full = written(AddressForm::Full, ADDRESSES);
        assert_eq!(full, ["203.0.113.7", "203.0.113.7", "2001:db8:1:2::3"]);
    }

    #[test]
    fn an_address_is_written_as_the_library_writes_it() {
        for octets in [[0, 0, 0, 0], [1, 20, 255, 0], [255, 255, 255, 255], [127, 0, 0, 1]] {
            let address = IpAddr::from(octets);
            assert_eq!(text(address), address.to_string());
        }
    }

    #[test]
    fn truncated_is_the_network() {
        let truncated = written(AddressForm::Truncated, ADDRESSES);
        assert_eq!(truncated, ["203.0.113.0/24", "203.0.113.0/24", "2001:db8:1::/48"]);
    }

    #[test]
    fn hashed_is_the_same_for_the_same_address_and_key_only() {
        let [one, mapped, other] = written(AddressForm::Hashed, ADDRESSES);
        assert_eq!((&one, one.len()), (&mapped, 32));
        assert_ne!(one, other);
        let key = Secret::new("another-key-another-key-another-key");
        let form = Addresses::new(AddressForm::Hashed, Some(&key)).unwrap();
        assert_ne!(form.write(ADDRESSES[0].parse().unwrap()), one);
    }

    #[test]
    fn hashing_needs_a_key_worth_the_name() {
        let error = Addresses::new(AddressForm::Hashed, None).unwrap_err();
        assert!(error.contains("needs identity.hash_key"), "{error}");
        let error = Addresses::new(AddressForm::Hashed, Some(&Secret::new("canary"))).unwrap_err();
        assert!(error.contains("at least 32 bytes") && !error.contains("canary"), "{error}");
    }
}
