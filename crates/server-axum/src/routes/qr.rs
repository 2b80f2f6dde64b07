//! QR codes of short links.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use qrcode::render::svg;
use qrcode::{Color, EcLevel, QrCode};
use waypost_core::idempotency::Fingerprint;
use waypost_core::ids::LinkId;
use waypost_core::{Error, Result};

use crate::app::App;
use crate::extract::{Caller, Id, Query, lists_tag};
use crate::reply::{self, Reply};

/// Modules of white around the code (ISO/IEC 18004 §6.3.8).
const QUIET: usize = 4;
const DEFAULT_SIZE: u32 = 256;

pub(super) async fn svg(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Id<LinkId>,
    headers: HeaderMap,
    query: Query,
) -> Reply {
    picture(&app, caller, id, &headers, query, "image/svg+xml", |code, size| {
        let image = code.render::<svg::Color<'_>>().min_dimensions(size, size).build();
        Ok(image.into_bytes())
    })
    .await
}

pub(super) async fn png(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Id<LinkId>,
    headers: HeaderMap,
    query: Query,
) -> Reply {
    picture(&app, caller, id, &headers, query, "image/png", |code, size| bitmap(code, size).map_err(Error::internal))
        .await
}

async fn picture(
    app: &App,
    Caller(who): Caller,
    Id(id): Id<LinkId>,
    headers: &HeaderMap,
    mut query: Query,
    media: &'static str,
    draw: impl FnOnce(&QrCode, u32) -> Result<Vec<u8>>,
) -> Reply {
    let size = query.fields.text("size", |text| {
        let size = text.parse().ok().filter(|size| (64..=2_048).contains(size));
        size.ok_or("must be a whole number of pixels from 64 to 2048")
    });
    query.fields.finish()?;
    let link = app.platform.links.get(&who, id).await?;
    let size = size.value().unwrap_or(DEFAULT_SIZE);
    // The picture shows the short URL, and changes when the site's own address does.
    let url = app.site().short_url(&link.domain, &link.slug);
    let [a, b, c, d, ..] = Fingerprint::of(media, &url, "", &size.to_be_bytes()).to_bytes();
    let tag = format!("\"{id}-{:08x}\"", u32::from_be_bytes([a, b, c, d]));
    let mut response = Response::default();
    if lists_tag(headers, IF_NONE_MATCH, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        let code = QrCode::with_error_correction_level(&url, EcLevel::M).map_err(Error::internal)?;
        *response.body_mut() = Body::from(draw(&code, size)?);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    }
    let headers = response.headers_mut();
    headers.insert(ETAG, HeaderValue::try_from(tag).map_err(Error::internal)?);
    headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    headers.insert(http::header::VARY, reply::DEPENDS);
    Ok(response)
}

/// A picture of one bit a pixel and `size` on each side, unless the code itself needs more.
fn bitmap(code: &QrCode, size: u32) -> Result<Vec<u8>, png::EncodingError> {
    let modules = code.width() + 2 * QUIET;
    let scale = (size as usize / modules).max(1);
    let side = (size as usize).max(modules);
    // What whole modules leave over is white, and spread around.
    let edge = (side - modules * scale) / 2;
    let colors = code.to_colors();
    let is_dark = |x: usize, y: usize| {
        let place = |at: usize| (at.checked_sub(edge)? / scale).checked_sub(QUIET);
        let (column, row) = (place(x), place(y));
        matches!((column, row), (Some(column), Some(row))
            if column < code.width() && row < code.width() && colors[row * code.width() + column] == Color::Dark)
    };
    let mut pixels = Vec::with_capacity(side.div_ceil(8) * side);
    for y in 0..side {
        for first in (0..side).step_by(8) {
            let bit = |x: usize| u8::from(first + x >= side || !is_dark(first + x, y)) << (7 - x);
            pixels.push((0..8).map(bit).fold(0, |byte, bit| byte | bit));
        }
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, side as u32, side as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitmap_is_a_square_within_its_size_with_a_white_edge() {
        let code = QrCode::new("https://w.example/spring").unwrap();
        let image = bitmap(&code, 256).unwrap();
        let decoder = png::Decoder::new(std::io::Cursor::new(&image));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(info.width, info.height);
        assert_eq!(info.width, 256);
        assert!(pixels[..info.line_size].iter().all(|byte| *byte == 0xFF), "the first row is white");
        assert!(pixels.iter().any(|byte| *byte != 0xFF), "there is a code");
    }
}
