//! How much of a client's address is written.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::settings::AddressForm;

/// `address` in this form.
pub(super) fn text(address: IpAddr, form: AddressForm) -> String {
    // A socket for both families shows IPv4 clients as ::ffff:…; they are the same clients.
    let address = address.to_canonical();
    match form {
        AddressForm::Full => address.to_string(),
        AddressForm::Truncated => {
            let bits = if address.is_ipv4() { 24 } else { 48 };
            let network = IpNet::new(address, bits);
            network.map_or_else(|_| String::new(), |network| network.trunc().to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(form: AddressForm) -> [String; 3] {
        let addresses = ["203.0.113.7", "::ffff:203.0.113.7", "2001:db8:1:2::3"];
        addresses.map(|address| text(address.parse().unwrap(), form))
    }

    #[test]
    fn full_is_canonical() {
        let full = written(AddressForm::Full);
        assert_eq!(full, ["203.0.113.7", "203.0.113.7", "2001:db8:1:2::3"]);
    }

    #[test]
    fn truncated_is_the_network() {
        let truncated = written(AddressForm::Truncated);
        assert_eq!(truncated, ["203.0.113.0/24", "203.0.113.0/24", "2001:db8:1::/48"]);
    }
}
