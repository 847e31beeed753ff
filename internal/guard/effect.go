// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package guard

import "strconv"

// Effect says what a thing on a list may not become.
type Effect int

const (
	// Note only shows that the thing is listed.
	Note Effect = iota + 1
	// Shared marks a domain that rents out names below itself, or an address
	// that many unrelated sites share. It never becomes an entry itself, a URL
	// with a path on it does, and a name below it is judged as if the domain
	// above were on no list.
	Shared
	// HostOnly marks a famous host: never an entry itself, nor a URL that is
	// only its root, but a URL with a path or query on it may be one.
	HostOnly
	// Exclude keeps out the thing and everything on it.
	Exclude
)

var effectNames = map[Effect]string{
	Note: "note", Shared: "shared", HostOnly: "host_only", Exclude: "exclude",
}

// Effects are all effects, the strongest first.
var Effects = []Effect{Exclude, HostOnly, Shared, Note}

// String returns the name used in the API and in storage: exclude, host_only,
// shared or note.
func (e Effect) String() string {
	if name, ok := effectNames[e]; ok {
		return name
	}
	return "effect(" + strconv.Itoa(int(e)) + ")"
}

// ParseEffect returns the effect with that name, and whether there is one.
func ParseEffect(name string) (Effect, bool) {
	for _, e := range Effects {
		if e.String() == name {
			return e, true
		}
	}
	return 0, false
}

// MarshalText writes the name.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// known is a list that Teiten has an opinion on. Its file does not carry its
// slug (upstream that is the folder's name), so that the name identifies it.
type known struct {
	slug   string
	effect Effect
	name   string
}

// knownLists holds the default effect of each list, by what a wrong entry
// would break and by who can place hostile content there.
var knownLists = []known{
	// Sites that everybody visits. Content of others may be on them.
	{"tranco10k", HostOnly, "Top 10K most-used sites from Tranco"},
	{"cisco_top10k", HostOnly, "Top 10 000 websites from Cisco Umbrella"},
	{"majestic_million", HostOnly, "Top 10000 websites from Majestic Million"},
	{"google", HostOnly, "List of known google domains"},
	{"microsoft", HostOnly, "List of known microsoft domains"},
	{"microsoft-office365", HostOnly, "List of known Office 365 URLs"},
	{"university_domains", HostOnly, "University domains"},
	{"covid", HostOnly, "Valid covid-19 related domains"},
	{"captive-portals", HostOnly, "Captive Portal Detection Hostnames"},
	{"whats-my-ip", HostOnly, "List of known domains to know external IP"},
	{"security-provider-blogpost", HostOnly, "List of known security providers/vendors blog domain"},
	{"url-shortener", HostOnly, "List of known URL Shorteners domains"},
	{"teiten-jp-services", HostOnly, "Services that Japanese hospitals depend on"},

	// Domains that carry only their owner's content: phishing mails quote
	// their real pages beside the false one.
	{"bank-website", Exclude, "List of known bank domains"},
	{"teiten-jp-public", Exclude, "Japanese public bodies, medical societies and associations"},
	{"teiten-jp-finance", Exclude, "Japanese banks, cards and brokers that phishing imitates"},
	// A blocked revocation list or OCSP server breaks TLS for everything.
	{"crl-hostname", Exclude, "CRL and OCSP domains"},
	{"rfc6761", Exclude, "List of RFC 6761 Special-Use Domain Names"},

	// Those who rent out names or pages.
	{"dynamic-dns", Shared, "List of known dynamic DNS domains"},
	{"lots-project", Shared, "List of LOTS (Living Off Trusted Sites) Project Domains"},
	{"link-in-bio", Shared, "List of known link in Bio domains"},
	{"public-ipfs-gateways", Shared, "List of known public IPFS gateways"},
	{"teiten-renters", Shared, "Hosting services that give each customer a name"},

	// A public suffix itself is never an entry; names below are.
	{"tlds", HostOnly, "TLDs as known by IANA"},
	{"second-level-tlds", HostOnly, "Second level TLDs as known by Mozilla Foundation"},

	// Addresses that mean nothing outside one network, or are nobody's.
	{"rfc1918", Exclude, "List of RFC 1918 CIDR blocks"},
	{"rfc3849", Exclude, "List of RFC 3849 CIDR blocks"},
	{"rfc5735", Exclude, "List of RFC 5735 CIDR blocks"},
	{"rfc6598", Exclude, "List of RFC 6598 CIDR blocks"},
	{"ipv6-linklocal", Exclude, "List of IPv6 link local blocks"},
	{"multicast", Exclude, "List of RFC 5771 multicast CIDR blocks"},
	{"teiten-special-addresses", Exclude, "Special-purpose addresses (RFC 6890)"},

	// Addresses whose blocking hits others: resolvers, content networks, mail.
	{"public-dns-v4", Shared, "List of known IPv4 public DNS resolvers"},
	{"public-dns-v6", Shared, "List of known IPv6 public DNS resolvers"},
	{"teiten-public-dns", Shared, "Large public DNS resolvers"},
	{"akamai", Shared, "List of known Akamai IP ranges"},
	{"cloudflare", Shared, "List of known Cloudflare IP ranges"},
	{"fastly", Shared, "List of known Fastly IP address ranges"},
	{"wikimedia", Shared, "List of known Wikimedia address ranges"},
	{"zscaler", Shared, "List of known Zscaler IP address ranges"},
	{"google-gmail-sending-ips", Shared, "List of known Gmail sending IP ranges"},
	{"smtp-sending-ips", Shared, "List of known SMTP sending IP ranges"},
	{"smtp-receiving-ips", Shared, "List of known SMTP receiving IP addresses"},

	// Addresses that one customer holds at a time: hostile ones are among them.
	{"amazon-aws", Note, "List of known Amazon AWS IP address ranges"},
	{"google-gcp", Note, "List of known GCP (Google Cloud Platform) IP address ranges"},
	{"microsoft-azure", Note, "List of known Microsoft Azure Datacenter IP Ranges"},
	{"github", Note, "List of known GitHub IP ranges (https://api.github.com/meta)"},
	{"vpn-ipv6", Note, "Specialized list of IPv6 addresses belonging to common VPN providers and datacenters"},
	{"parking-domain", Note, "Parking domains"},
	// Who talks to a sinkhole is infected: worth seeing, not worth hiding.
	{"sinkholes", Note, "List of known sinkholes"},

	// Files that are on every machine.
	{"empty-hashes", Exclude, "List of known hashes for empty files"},
	{"eicar.com", Exclude, "List of hashes for EICAR test virus"},
	{"common-ioc-false-positive", Exclude, "List of known hashes with common false-positives (based on Florian Roth input list)"},

	{"common-contact-emails", Exclude, "Common contact e-mail addresses"},
	{"disposable-email", Note, "List of disposable email domains"},
	{"phone_numbers", Note, "Unattributed phone number."},
	// Substrings: "virustotal.com" is also in virustotal.com.evil.example.
	{"automated-malware-analysis", Note, "List of known domains used by automated malware analysis services & security vendors"},
}

// DefaultEffect returns the effect of a list that nobody has set another for:
// by its slug if Teiten knows it, else by its type. Unknown lists of
// substrings and regular expressions are only noted, because whoever chooses a
// hostile name can make it contain a harmless one.
func DefaultEffect(slug, typ string) Effect {
	for _, k := range knownLists {
		if k.slug == slug {
			return k.effect
		}
	}
	switch typ {
	case TypeCIDR:
		return Shared
	case TypeString, TypeHostname:
		return HostOnly
	default:
		return Note
	}
}
