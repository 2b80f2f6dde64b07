//! QR codes of short links (contract §2).

use insta::assert_snapshot;

use crate::harness::Server;

#[tokio::test]
async fn a_picture_comes_in_two_types_and_may_be_kept() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let svg = server.get(&format!("{path}/qr.svg")).send().await;
    assert_eq!((svg.status, svg.header("content-type")), (200, "image/svg+xml"));
    assert!(svg.text().contains("<svg"), "{:.80}", svg.text());
    let png = server.get(&format!("{path}/qr.png?size=512")).send().await;
    assert_eq!((png.status, png.header("content-type")), (200, "image/png"));
    assert!(png.body.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert!(png.header("cache-control").contains("max-age"));
    let known = server.get(&format!("{path}/qr.png?size=512")).header("if-none-match", png.header("etag")).send().await;
    assert_snapshot!("qr_not_modified", known.show());
    let larger =
        server.get(&format!("{path}/qr.png?size=1024")).header("if-none-match", png.header("etag")).send().await;
    assert_eq!(larger.status, 200, "another size is another picture");
}

#[tokio::test]
async fn a_size_has_its_bounds() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    for (size, status) in [
        ("64", 200),
        ("2048", 200),
        ("63", 422),
        ("2049", 422),
        ("-1", 422),
        ("x", 422),
        ("", 422),
        ("4294967296", 422),
    ] {
        assert_eq!(server.get(&format!("{path}/qr.png?size={size}")).send().await.status, status, "{size}");
    }
}
