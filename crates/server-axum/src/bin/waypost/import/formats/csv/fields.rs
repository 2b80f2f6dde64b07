//! What a column can say, and the names that it goes by.

/// What a column can say about a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    /// The slug, or a whole short URL.
    Slug,
    /// The short URL, from which domain and slug are taken where no column of their own says them.
    ShortUrl,
    /// Where the link leads.
    Destination,
    /// The host of the short link.
    Domain,
    /// A number that stands for a domain and means nothing outside its own database.
    DomainNumber,
    /// The title.
    Title,
    /// Tags, separated by `|`, `,` or `;`, or as a JSON array.
    Tags,
    /// When the link was made.
    CreatedAt,
    /// From when on the link works.
    ValidSince,
    /// When the link ends.
    ExpiresAt,
    /// How many redirects the link may answer in all.
    MaxClicks,
    /// How many it has answered.
    Clicks,
    /// 301, 302, 303, 307 or 308.
    RedirectStatus,
    /// A value of the header `Referrer-Policy`.
    ReferrerPolicy,
    /// For how many seconds caches may keep the redirect.
    CacheSeconds,
    /// Yes for a link that shall not redirect.
    Disabled,
    /// No for a link that shall not redirect.
    Enabled,
    /// `active`, `disabled`, ….
    Status,
    /// Yes for a link that is out of sight but works.
    Archived,
    /// Anything but no for a link behind a password.
    Password,
    /// A JSON object.
    Metadata,
}

/// Every name that a field goes by, letters and digits only, in lower case. Earlier names win over later ones.
pub(super) const NAMES: [(Field, &[&str]); 21] = [
    (
        Field::Slug,
        &[
            "slug",
            "short",
            "keyword",
            "alias",
            "code",
            "shortcode",
            "customslug",
            "custombackhalf",
            "backhalf",
            "address",
            "key",
            "path",
            "shortid",
            "shortpath",
        ],
    ),
    (Field::ShortUrl, &["shorturl", "shortlink", "bitlink"]),
    (
        Field::Destination,
        &[
            "destination",
            "destinationurl",
            "longurl",
            "longlink",
            "target",
            "targeturl",
            "originalurl",
            "original",
            "url",
            "redirecturl",
            "redirectto",
            "fullurl",
            "href",
        ],
    ),
    (Field::Domain, &["domain", "domainname", "shortdomain", "host", "hostname"]),
    (Field::DomainNumber, &["domainid"]),
    (Field::Title, &["title", "label", "description"]),
    (Field::Tags, &["tags", "tag", "tagnames", "labels"]),
    (
        Field::CreatedAt,
        &["createdat", "created", "createdon", "createddate", "datecreated", "creationdate", "timestamp", "date"],
    ),
    (Field::ValidSince, &["validsince", "validfrom", "startsat"]),
    (
        Field::ExpiresAt,
        &[
            "expiresat",
            "expires",
            "expirein",
            "expireat",
            "expirationat",
            "expirationdate",
            "expirydate",
            "expiry",
            "expiration",
            "validuntil",
        ],
    ),
    (Field::MaxClicks, &["maxclicks", "maxvisits", "clicklimit", "visitslimit", "maxhits"]),
    (
        Field::Clicks,
        &[
            "clicks",
            "totalclicks",
            "clickcount",
            "visits",
            "visitcount",
            "visitscount",
            "hits",
            "engagements",
            "totalengagements",
        ],
    ),
    (
        Field::RedirectStatus,
        &["redirectstatus", "redirecttype", "redirectcode", "statuscode", "httpstatus", "httpcode"],
    ),
    (Field::ReferrerPolicy, &["referrerpolicy"]),
    (Field::CacheSeconds, &["cacheseconds"]),
    (Field::Disabled, &["disabled", "isdisabled", "banned", "isbanned"]),
    (Field::Enabled, &["enabled", "isenabled", "active", "isactive"]),
    (Field::Status, &["status", "state"]),
    (Field::Archived, &["archived", "isarchived", "hidden"]),
    (Field::Password, &["password", "passcode", "haspassword", "passwordprotected"]),
    (Field::Metadata, &["metadata"]),
];

/// The field of that name.
pub(super) fn known(name: &str) -> Option<Field> {
    NAMES.iter().find(|(_, names)| names.contains(&name)).map(|(field, _)| *field)
}

/// `Long URL`, `long_url` and `longUrl` are one name.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
