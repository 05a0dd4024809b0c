// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

import "./Token.sol";

/// The view side of an ERC-4626 vault whose assets are whatever it holds; shares are minted freely.
contract Vault is Token {
    address public immutable asset;
    uint256 public lent; // assets it counts without holding them
    bool public broken;

    constructor(string memory symbol_, uint8 decimals_, address asset_) Token(symbol_, decimals_) {
        asset = asset_;
    }

    function lend(uint256 assets) external {
        lent = assets;
    }

    function breakDown(bool state) external {
        broken = state;
    }

    function totalAssets() public view returns (uint256) {
        return Token(asset).balanceOf(address(this)) + lent;
    }

    function convertToAssets(uint256 shares) external view returns (uint256) {
        require(!broken, "broken");
        return (shares * (totalAssets() + 1)) / (totalSupply + 1);
    }
}
