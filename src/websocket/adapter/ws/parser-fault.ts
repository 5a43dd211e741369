import { CLOSE_CODE_ABNORMAL, CloseCode } from '../../protocol/close-code.js';

/** The close code `ws` answers a fault with; its `'close'` event always says 1006. */
export function closeCodeOf(code: string | undefined): number {
  switch (code) {
    case 'WS_ERR_INVALID_UTF8':
    case 'Z_DATA_ERROR':
    case 'Z_BUF_ERROR':
    case 'Z_STREAM_ERROR':
    case 'Z_NEED_DICT':
      return CloseCode.invalidPayload;
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
      return CloseCode.messageTooBig;
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return CloseCode.policyViolation;
    default:
      return code?.startsWith('WS_ERR_') === true ? CloseCode.protocolError : CLOSE_CODE_ABNORMAL;
  }
}
