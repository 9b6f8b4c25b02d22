//! Between the streams and tower-lsp: whole messages only.
//!
//! In: bytes from the client. Out: those messages that are JSON-RPC, as they came; each other is answered with an error of no request. tower-lsp by
//! itself would take the first message that it can't read for the end of the stream.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tower_lsp::jsonrpc::{Request, Response};

/// The largest message that is read, in bytes: several times the largest spec, which JSON makes longer.
const MOST: usize = 64 << 20;

/// A message as it came.
enum Frame {
    /// Its body.
    Body(Vec<u8>),
    /// It is larger than what is read, and was passed over.
    TooLarge(usize),
}

/// The next message; `None` at the end of the stream, or if it breaks.
async fn next(input: &mut BufReader<impl AsyncRead + Unpin>) -> Option<Frame> {
    let mut length: Option<usize> = None;
    loop {
        let mut line = Vec::new();
        // A header has no long lines; what is no header at all is passed over.
        if (&mut *input).take(4096).read_until(b'\n', &mut line).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            match length {
                Some(_) => break,
                None => continue,
            }
        }
        if let Some((name, value)) = text.split_once(':')
            && name.trim().eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
    let length = length?;
    if length > MOST {
        let passed = tokio::io::copy(&mut (&mut *input).take(length as u64), &mut tokio::io::sink()).await.ok()?;
        return (passed == length as u64).then_some(Frame::TooLarge(length));
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).await.ok()?;
    Some(Frame::Body(body))
}

async fn write(output: &mut (impl AsyncWrite + Unpin), body: &[u8]) -> std::io::Result<()> {
    output.write_all(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes()).await?;
    output.write_all(body).await?;
    output.flush().await
}

/// A message as tower-lsp takes it, or what is wrong with it as a response. `"params": null`, which some clients write for none, is left out: tower-lsp
/// refuses it where a method has no parameters.
fn sound(body: Vec<u8>) -> Result<Vec<u8>, Value> {
    match serde_json::from_slice::<Request>(&body) {
        Ok(request) if request.params() == Some(&Value::Null) => {
            let bare = Request::build(request.method().to_owned());
            let bare = match request.id() {
                Some(id) => bare.id(id.clone()),
                None => bare,
            };
            return serde_json::to_vec(&bare.finish()).map_err(|e| error(-32603, &e.to_string()));
        }
        Ok(_) => return Ok(body),
        Err(_) if serde_json::from_slice::<Response>(&body).is_ok() => return Ok(body),
        Err(_) => {}
    }
    Err(match serde_json::from_slice::<Value>(&body) {
        Err(problem) => error(-32700, &format!("this is no JSON: {problem}")),
        Ok(_) => error(-32600, "this is neither a request nor a response of JSON-RPC 2.0"),
    })
}

fn error(code: i64, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message } })
}

/// Hands messages on until the client's stream ends.
pub async fn incoming(
    input: impl AsyncRead + Unpin,
    mut server: impl AsyncWrite + Unpin,
    errors: UnboundedSender<Value>,
) {
    let mut input = BufReader::new(input);
    while let Some(frame) = next(&mut input).await {
        let message = match frame {
            Frame::Body(body) => sound(body),
            Frame::TooLarge(length) => {
                Err(error(-32600, &format!("a message of {length} bytes is larger than what is read")))
            }
        };
        match message {
            Err(problem) => {
                tracing::warn!(%problem, "a message that can't be read");
                let _ = errors.send(problem);
            }
            Ok(body) => {
                if write(&mut server, &body).await.is_err() {
                    break;
                }
            }
        }
    }
    let _ = server.shutdown().await;
}

/// Hands messages, and errors between them, to the client until the server has said its last.
pub async fn outgoing(
    server: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
    mut errors: UnboundedReceiver<Value>,
) {
    let mut server = BufReader::new(server);
    loop {
        let body = tokio::select! {
            biased;
            Some(error) = errors.recv() => error.to_string().into_bytes(),
            frame = buffered(&mut server) => {
                if !frame {
                    return;
                }
                match next(&mut server).await {
                    Some(Frame::Body(body)) => body,
                    _ => return,
                }
            }
        };
        if write(&mut output, &body).await.is_err() {
            return;
        }
    }
}

/// Waits until a message begins: reading it is not to be interrupted. `false` at the end.
async fn buffered(input: &mut BufReader<impl AsyncRead + Unpin>) -> bool {
    input.fill_buf().await.is_ok_and(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn bodies(bytes: &[u8]) -> Vec<String> {
        let mut input = BufReader::new(bytes);
        let mut all = Vec::new();
        while let Some(Frame::Body(body)) = next(&mut input).await {
            all.push(String::from_utf8(body).expect("text"));
        }
        all
    }

    #[tokio::test]
    async fn messages_are_found_between_rubbish() {
        let text = b"rubbish\r\n\r\nContent-Length: 2\r\nOther: x\r\n\r\n{}content-length:3\n\n[1]Content-Length: 9\r\n\r\ncut";
        assert_eq!(bodies(text).await, ["{}", "[1]"]);
        assert!(bodies(b"Content-Length: minus\r\n\r\n").await.is_empty());
        assert!(bodies(b"").await.is_empty());
    }

    #[test]
    fn only_json_rpc_is_handed_on() {
        for body in [&br#"{"jsonrpc":"2.0","method":"exit"}"#[..], br#"{"jsonrpc":"2.0","id":1,"result":null}"#] {
            assert_eq!(sound(body.to_vec()).unwrap(), body);
        }
        for (body, code) in
            [(&b"{ nonsens"[..], -32700), (b"[]", -32600), (b"{}", -32600), (b"7", -32600), (b"\xff", -32700)]
        {
            assert_eq!(sound(body.to_vec()).expect_err("an error")["error"]["code"], code);
        }
    }

    #[test]
    fn null_is_no_parameters() {
        for (given, taken) in [
            (
                r#"{"jsonrpc":"2.0","id":5,"method":"shutdown","params":null}"#,
                r#"{"jsonrpc":"2.0","method":"shutdown","id":5}"#,
            ),
            (r#"{"jsonrpc":"2.0","method":"exit","params":null}"#, r#"{"jsonrpc":"2.0","method":"exit"}"#),
        ] {
            assert_eq!(String::from_utf8(sound(given.into()).unwrap()).unwrap(), taken);
        }
    }
}
