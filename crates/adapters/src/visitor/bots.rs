//! Programs that the public collections lack, or know in part. Updated by hand; keep the lists in lower case.
//!
//! HTTP libraries are on them, `okhttp` and its like on phones too: a person who follows a link does so in a browser,
//! or in an app's web view, which says what it is. What an app fetches by itself is a preview or a check.

/// What the user agents of some programs begin with.
const BEGINNINGS: [&str; 41] = [
    "ahc/",
    "akka-http/",
    "apache-httpclient",
    "axios/",
    "bun/",
    "curl",
    "dalvik/",
    "dart/",
    "deno/",
    "fasthttp",
    "faraday",
    "go-http-client",
    "got ",
    "guzzlehttp",
    "http.rb/",
    "httpie/",
    "hyper/",
    "insomnia/",
    "java-http-client/",
    "java/",
    "k6/",
    "ktor-client",
    "libcurl",
    "libwww-perl",
    "lua-resty-http",
    "microsoft office",
    "node",
    "oha/",
    "okhttp",
    "php",
    "postmanruntime/",
    "python/",
    "reqwest/",
    "restsharp/",
    "ruby",
    "signal-",
    "typhoeus",
    "undici",
    "ureq/",
    "wget",
    "whatsapp/",
];

/// What stands somewhere in the user agents of others.
const PARTS: [&str; 49] = [
    "aiohttp",
    "amazonbot",
    "anthropic-ai",
    "applebot",
    "bytespider",
    "cardyb",
    "cfnetwork/",
    "chatgpt-user",
    "claude-user",
    "claudebot",
    "discordbot",
    "embedly",
    "facebookcatalog",
    "facebookexternalhit",
    "facebot",
    "google-inspectiontool",
    "google-safety",
    "googleother",
    "gptbot",
    "headlesschrome",
    "iframely",
    "kakaotalk-scrap",
    "line-poker",
    "linkedinbot",
    "mastodon/",
    "meta-externalagent",
    "meta-externalfetcher",
    "microsoftpreview",
    "misskey/",
    "node-fetch",
    "oai-searchbot",
    "perplexity",
    "phantomjs",
    "pinterestbot",
    "pleroma",
    "puppeteer",
    "python-httpx",
    "python-requests",
    "python-urllib",
    "redditbot",
    "skypeuripreview",
    "slack-imgproxy",
    "slackbot",
    "snap url preview",
    "synapse (bot",
    "telegrambot",
    "twitterbot",
    "url preview",
    "vkshare",
];

/// Whether a user agent, in lower case, is on the lists. A visitor that says nothing is a program too.
pub(super) fn is_listed(user_agent: &str) -> bool {
    let user_agent = user_agent.trim();
    user_agent.is_empty()
        || user_agent == "-"
        || BEGINNINGS
            .iter()
            .any(|beginning| user_agent.starts_with(beginning))
        || PARTS.iter().any(|part| user_agent.contains(part))
}
